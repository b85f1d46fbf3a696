//! The Debian package.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Release;
use super::payload::Payload;
use super::program::Program;
use crate::setup;
use crate::workspace::{Workspace, output, run};

/// What the program needs beside what it is linked with and GStreamer's plugins: who makes the user, who vouches for
/// public certificates, and the first C library that reads addresses as `agent/app/build.rs` has them packed, which
/// `dpkg-shlibdeps` does not see.
const MORE: [&str; 3] = ["adduser", "ca-certificates", "libc6 (>= 2.36)"];
/// What runs before and after the files are there.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
const DESCRIPTION: &str = "watches cameras, warns first, reports with evidence\n \
    Forewarn sees violations in RTSP video, warns over a loudspeaker, looks again, and\n \
    reports upstream only what went on in spite of the warning, with evidence that\n \
    anybody can check. The models are fetched after the installation, see\n \
    /usr/share/doc/forewarn/install.md.";

/// Makes the package of a version, of a program that is linked with the libraries of some packages.
pub(super) fn build(
    workspace: &Workspace,
    release: &Release,
    libraries: &[String],
    payload: &Payload,
    version: &str,
) -> Result<PathBuf> {
    let root = release.out.join("root");
    payload.lay_out(&root)?;
    let meta = root.join("DEBIAN");
    fs::create_dir(&meta).with_context(|| format!("failed to create {}", meta.display()))?;
    let mut depends = libraries.to_vec();
    depends.extend(setup::needed_to_run().map(str::to_owned));
    depends.extend(MORE.map(str::to_owned));
    write(&meta.join("control"), &control(version, &release.architecture, payload.bytes(), &depends), 0o644)?;
    write(&meta.join("md5sums"), &sums(workspace, &root, payload)?, 0o644)?;
    for name in SCRIPTS {
        let from = workspace.root.join("packaging/debian").join(name);
        let script = fs::read_to_string(&from).with_context(|| format!("failed to read {}", from.display()))?;
        write(&meta.join(name), &script, 0o755)?;
    }
    fs::set_permissions(&meta, fs::Permissions::from_mode(0o755))?;
    let package = release.out.join(format!("forewarn_{version}_{}.deb", release.architecture));
    let mut dpkg_deb = workspace.command("dpkg-deb");
    dpkg_deb.env("SOURCE_DATE_EPOCH", release.made_at.to_string());
    run(dpkg_deb.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]).arg(&root).arg(&package))?;
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))?;
    Ok(package)
}

/// The packages of the libraries that the program is linked with, as Debian's own tool finds them.
pub(super) fn libraries(workspace: &Workspace, release: &Release, program: &Program) -> Result<Vec<String>> {
    // The tool looks for the description of a source package beside it.
    let folder = release.out.join("shlibs");
    fs::create_dir_all(folder.join("debian"))?;
    fs::write(folder.join("debian/control"), "Source: forewarn\n\nPackage: forewarn\nArchitecture: any\n")?;
    let mut tool = workspace.command("dpkg-shlibdeps");
    let said = output(tool.current_dir(&folder).args(["-O", "--warnings=0"]).arg(&program.path))?;
    fs::remove_dir_all(&folder)?;
    listed(&said)
}

/// The packages in what `dpkg-shlibdeps` says.
pub(super) fn listed(said: &str) -> Result<Vec<String>> {
    let listed = said.trim().strip_prefix("shlibs:Depends=").context("dpkg-shlibdeps names no libraries")?;
    Ok(listed.split(", ").map(str::to_owned).collect())
}

fn control(version: &str, architecture: &str, bytes: u64, depends: &[String]) -> String {
    let kib = bytes.div_ceil(1024);
    format!(
        "Package: forewarn\nVersion: {version}\nArchitecture: {architecture}\nSection: video\nPriority: optional\n\
         Maintainer: The Forewarn authors <forewarn@localhost>\nInstalled-Size: {kib}\nDepends: {}\n\
         Suggests: python3-pip, npm, prometheus\nDescription: {DESCRIPTION}\n",
        depends.join(", ")
    )
}

fn sums(workspace: &Workspace, root: &Path, payload: &Payload) -> Result<String> {
    let mut md5sum = workspace.command("md5sum");
    md5sum.current_dir(root);
    payload.files().filter(|(path, _)| !path.starts_with("etc/")).for_each(|(path, _)| {
        md5sum.arg(path);
    });
    output(&mut md5sum)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut whole = text.to_owned();
    if !whole.ends_with('\n') {
        let _ = writeln!(whole);
    }
    fs::write(path, whole).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_control_file_is_one_that_dpkg_reads() {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().join("root/DEBIAN");
        fs::create_dir_all(&meta).unwrap();
        let depends = ["libc6 (>= 2.36)".to_owned(), "espeak-ng".to_owned()];
        write(&meta.join("control"), &control("1.2.3", "all", 2000, &depends), 0o644).unwrap();
        let package = dir.path().join("x.deb");
        let mut pack = Command::new("dpkg-deb");
        assert!(pack.args(["--build"]).arg(dir.path().join("root")).arg(&package).status().unwrap().success());
        let field = |name: &str| {
            let said = Command::new("dpkg-deb").arg("--field").arg(&package).arg(name).output().unwrap();
            String::from_utf8(said.stdout).unwrap().trim().to_owned()
        };
        assert_eq!([field("Version"), field("Installed-Size")], ["1.2.3", "2"]);
        assert_eq!(field("Depends"), "libc6 (>= 2.36), espeak-ng");
        assert!(field("Description").lines().count() == 5);
    }

    #[test]
    fn the_maintainer_scripts_stop_at_the_first_failure_and_are_read_by_a_shell() {
        for name in SCRIPTS {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/debian").join(name);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n"), "{name}");
            assert!(Command::new("sh").arg("-n").arg(&path).status().unwrap().success(), "{name}");
        }
    }
}
