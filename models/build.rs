//! Links the system's libjpeg-turbo, packs the weights that are compiled in, and sees to it that every attribute is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    // A new attribute is a new file in this folder, which is compiled in.
    println!("cargo::rerun-if-changed=attributes");
    println!("cargo::rerun-if-changed=weights");
    pack(Path::new("weights"), &PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?))?;
    // 2.1 is the first that refuses a JPEG of endlessly many scans.
    let probed = pkg_config::Config::new().atleast_version("2.1").probe("libturbojpeg");
    probed.map(drop).map_err(|error| {
        format!("libjpeg-turbo with its TurboJPEG headers is missing; install it with: cargo xtask setup\n{error}")
    })
}

/// Half a megabyte less in the program. The system's own program does it: every Linux has it, and a crate would have to be
/// compiled for this script alone, without optimisation.
fn pack(weights: &Path, out: &Path) -> Result<(), String> {
    for entry in fs::read_dir(weights).map_err(|error| format!("{}: {error}", weights.display()))? {
        let file = entry.map_err(|error| error.to_string())?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Without name and time, so that equal weights are packed to equal bytes.
        let packed = Command::new("gzip").args(["-9", "--no-name", "--stdout"]).arg(&file).output();
        let packed =
            packed.map_err(|error| format!("gzip cannot be started ({error}); install it: apt install gzip"))?;
        if !packed.status.success() {
            return Err(format!("gzip cannot pack {name}: {}", String::from_utf8_lossy(&packed.stderr)));
        }
        fs::write(out.join(format!("{name}.gz")), packed.stdout).map_err(|error| format!("{name}.gz: {error}"))?;
    }
    Ok(())
}
