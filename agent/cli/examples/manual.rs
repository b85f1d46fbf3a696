//! Writes the manual pages of all commands, and what shells complete, out of the command line's own definition:
//! `cargo run -p forewarn-cli --example manual -- FOLDER`.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use forewarn_cli::Cli;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("say into which folder"))?;
    let folder = Path::new(&folder);
    let pages = folder.join("man");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(Cli::command(), &pages)?;
    for (shell, name) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let place = folder.join(name);
        fs::create_dir_all(&place)?;
        clap_complete::generate_to(shell, &mut Cli::command(), "forewarn", &place)?;
    }
    // The shell's own folder of completions has them by the bare name.
    fs::rename(folder.join("bash/forewarn.bash"), folder.join("bash/forewarn"))
}
