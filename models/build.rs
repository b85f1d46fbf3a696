//! Links the system's libjpeg-turbo, and sees to it that every attribute is compiled in.

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    // A new attribute is a new file in this folder, which is compiled in.
    println!("cargo::rerun-if-changed=attributes");
    // 2.1 is the first that refuses a JPEG of endlessly many scans.
    let probed = pkg_config::Config::new().atleast_version("2.1").probe("libturbojpeg");
    probed.map(drop).map_err(|error| {
        format!("libjpeg-turbo with its TurboJPEG headers is missing; install it with: cargo xtask setup\n{error}")
    })
}
