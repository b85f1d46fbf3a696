//! A file system with little room, which is truly full when it is filled.
//!
//! It is a tmpfs in a mount namespace of its own, so that it goes with the process that holds it, whatever becomes of the
//! test, and needs no rights but those that a namespace of users gives to everybody.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::process::{Owned, mortal};
use crate::program::ForewarnBin;

/// How to make a namespace, and how to enter it: as root, and as anybody.
const WAYS: [(&str, &[&str]); 2] = [("-m", &["--mount"]), ("-rm", &["--user", "--preserve-credentials", "--mount"])];

/// The file that takes all the room.
const FILLER: &str = ".filler";

/// A small file system, mounted on a folder for those who enter it.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Owned,
    enter: &'static [&'static str],
    dir: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many MiB on a folder.
    pub fn mount(dir: &Path, mib: u32) -> anyhow::Result<Self> {
        let script = format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\" && echo mounted && exec sleep infinity");
        for (make, enter) in WAYS {
            let mut command = mortal(Path::new("/usr/bin/unshare"));
            command.args([make, "sh", "-c", &script]).arg(dir).stdout(Stdio::piped());
            let mut holder = Owned::spawn("the small disk", &mut command)?;
            let mut line = String::new();
            BufReader::new(holder.take_stdout().context("its output is piped")?).read_line(&mut line)?;
            if line == "mounted\n" {
                return Ok(Self { holder, enter, dir: dir.to_owned() });
            }
        }
        bail!(
            "no tmpfs can be mounted here, neither by root nor in a namespace of users: allow one of them \
             (sysctl kernel.unprivileged_userns_clone=1), for what a full disk does can be seen nowhere else"
        );
    }

    /// A command that runs the program where the disk is mounted.
    pub fn command(&self, program: &ForewarnBin) -> Command {
        let mut command = mortal(Path::new("/usr/bin/nsenter"));
        command.args(["--target", &self.holder.group().to_string()]).args(self.enter).arg("--").arg(program.path());
        command
    }

    /// The folder, as this process sees it.
    pub fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.group()));
        root.join(self.dir.strip_prefix("/").unwrap_or(&self.dir))
    }

    /// Takes all the room that is left.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.path().join(FILLER))?;
        for chunk in [1 << 20, 4096, 1] {
            loop {
                match filler.write_all(&vec![0x55; chunk]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("failed to fill the small disk"),
                }
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.path().join(FILLER)).context("failed to free the small disk")
    }
}
