//! Has the linker pack the addresses that are fitted in at the start: the program is two megabytes smaller.

use std::env;
use std::process::Command;

/// The first C library that reads them (its release notes, 2.36): Debian 12's own.
const FIRST: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = ["OS", "ENV", "ARCH"].map(|part| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default());
    // Of the library of another machine nothing is known.
    let is_here = target == ["linux", "gnu", env::consts::ARCH].map(str::to_owned);
    if is_here && libc_here().is_some_and(|version| version >= FIRST) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's C library.
fn libc_here() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
