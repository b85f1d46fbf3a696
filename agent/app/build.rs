//! Has the linker pack the addresses that are fitted in at the start, and keep one copy of equal functions: the program is
//! four megabytes smaller.

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
    if links_by_lld() {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}

/// Whether the linker is the one that comes with Rust, which alone is known to understand the wish: on x86-64 Linux
/// (since 1.90), unless another is named.
fn links_by_lld() -> bool {
    let names_another = |flags: String| flags.contains("linker") || flags.contains("fuse-ld");
    env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu")
        && !env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(names_another)
        && env::var("RUSTC_LINKER").is_err()
}

/// The version of this machine's C library.
fn libc_here() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
