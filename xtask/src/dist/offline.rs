//! One file for a box without a network: the package, every Debian package that it needs down to the voices, the runtime and the
//! models, and a script that installs all of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::Release;
use super::archive::pack;
use super::program::Program;
use crate::setup;
use crate::workspace::{Workspace, announce, output, run};

/// What makes a Debian in a folder, and cuts a clip.
const MAKERS: [&str; 2] = ["mmdebstrap", "ffmpeg"];
/// Installs what lies beside it.
const INSTALL: &str = include_str!("../../../packaging/install-offline.sh");

/// What a bundle holds beside the package, by how the name of each file begins and ends: what a box without a network asks for
/// first where it is not there.
const HELD: [(&str, &str); 7] = [
    ("install.sh", ""),
    ("SHA256SUMS", ""),
    ("models.tar", ""),
    ("packages/Packages", ""),
    ("packages/espeak-ng-data_", ".deb"),
    ("packages/gstreamer1.0-libav_", ".deb"),
    ("packages/libturbojpeg0_", ".deb"),
];

/// Packs it, of a package that was made, and returns where it is.
pub(super) fn bundle(workspace: &Workspace, release: &Release, program: &Program, package: &Path) -> Result<PathBuf> {
    announce("what a box without a network needs");
    let name = format!("forewarn-{}-offline", release.version);
    let folder = release.out.join(&name);
    packages(workspace, &folder.join("packages"), package)?;
    models(workspace, program, &folder)?;
    fs::write(folder.join("install.sh"), INSTALL)?;
    run(workspace.command("chmod").arg("755").arg(folder.join("install.sh")))?;
    let mut sums = workspace.command("sh");
    let script = "find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS";
    run(sums.args(["-c", script]).current_dir(&folder))?;
    let archive = release.out.join(release.name("_offline.tar"));
    run(pack(workspace, release, &archive).arg("-C").arg(&release.out).arg(&name))?;
    fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    let listed = output(workspace.command("tar").arg("--list").arg("--file").arg(&archive))?;
    let lacks = lacking(&listed, &name, &package.file_name().unwrap_or_default().to_string_lossy());
    ensure!(lacks.is_empty(), "the offline bundle lacks {}", lacks.join(", "));
    Ok(archive)
}

/// What the list of a bundle lacks, and what lies in it beside its one folder.
fn lacking(listed: &str, folder: &str, package: &str) -> Vec<String> {
    let below = |line: &str| line.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    let names: Vec<String> = listed.lines().filter_map(below).collect();
    let package = format!("packages/{package}");
    let held = HELD.into_iter().chain([(package.as_str(), "")]);
    let lacks = held.filter(|(begin, end)| !names.iter().any(|name| name.starts_with(begin) && name.ends_with(end)));
    let mut lacks: Vec<String> = lacks.map(|(begin, end)| format!("{begin}…{end}")).collect();
    lacks.extend(listed.lines().filter(|line| below(line).is_none()).map(|line| format!("a place for {line}")));
    lacks
}

/// Installs it in a Debian without a network, and uses it there; of the folder of models the clip is taken.
pub(super) fn try_out(workspace: &Workspace, bundle: &Path, models: &Path) -> Result<()> {
    let user = output(workspace.command("id").arg("-u"))?;
    ensure!(user.trim() == "0", "the bundle is installed as root in a Debian of its own; run this as root");
    setup::install(&MAKERS, false)?;
    announce("the offline bundle in a Debian without a network");
    let mut script = workspace.command("bash");
    script.arg(workspace.root.join("packaging/try-offline.sh")).args([bundle, models]);
    run(script.arg(workspace.target().join("try")))
}

/// The package and all that it needs, as a place from which apt installs. What a box has already is left out there.
fn packages(workspace: &Workspace, folder: &Path, package: &Path) -> Result<()> {
    let scratch = folder.join("partial");
    fs::create_dir_all(&scratch).with_context(|| format!("failed to create {}", scratch.display()))?;
    // Of a system on which nothing is installed, so that the answer does not depend on this one.
    let nothing = scratch.join("status");
    fs::write(&nothing, "")?;
    let option = |name: &str, value: PathBuf| format!("{name}={}", value.display());
    let mut apt = workspace.command("apt-get");
    apt.args(["--yes", "--quiet", "--download-only", "--no-install-recommends"]);
    for value in [
        option("Dir::State::status", nothing),
        option("Dir::Cache::archives", folder.to_owned()),
        "APT::Sandbox::User=root".to_owned(),
        "Debug::NoLocking=true".to_owned(),
    ] {
        apt.args(["-o", &value]);
    }
    run(apt.arg("install").arg(package))?;
    fs::remove_dir_all(&scratch)?;
    let name = package.file_name().context("a package has a name")?;
    fs::copy(package, folder.join(name))?;
    let listed = output(workspace.command("dpkg-scanpackages").args(["--multiversion", "."]).current_dir(folder))?;
    ensure!(listed.contains("Package: forewarn\n"), "dpkg-scanpackages does not list the package");
    fs::write(folder.join("Packages"), listed)?;
    Ok(())
}

/// The store of this machine, as far as the program pins it.
fn models(workspace: &Workspace, program: &Program, folder: &Path) -> Result<()> {
    run(workspace.command(&program.path).args(["models", "fetch", "--all"]))?;
    run(workspace.command(&program.path).args(["models", "pack"]).arg(folder.join("models.tar")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "forewarn-0.2.0-offline/
forewarn-0.2.0-offline/SHA256SUMS
forewarn-0.2.0-offline/install.sh
forewarn-0.2.0-offline/models.tar
forewarn-0.2.0-offline/packages/
forewarn-0.2.0-offline/packages/Packages
forewarn-0.2.0-offline/packages/espeak-ng-data_1.51+dfsg-10_amd64.deb
forewarn-0.2.0-offline/packages/forewarn_0.2.0_amd64.deb
forewarn-0.2.0-offline/packages/gstreamer1.0-libav_1.22.0-2_amd64.deb
forewarn-0.2.0-offline/packages/libturbojpeg0_2.1.5-2_amd64.deb
";

    #[test]
    fn a_bundle_holds_package_voices_decoders_models_and_the_script_in_one_folder() {
        let lacking = |listed: &str| lacking(listed, "forewarn-0.2.0-offline", "forewarn_0.2.0_amd64.deb");
        assert!(lacking(WHOLE).is_empty(), "{:?}", lacking(WHOLE));
        for part in ["models.tar", "espeak-ng-data_", "forewarn_0.2.0_amd64.deb", "Packages"] {
            let without: Vec<&str> = WHOLE.lines().filter(|line| !line.contains(part)).collect();
            let without = without.join("\n");
            assert!(
                lacking(&without).len() == 1 && lacking(&without)[0].contains(part),
                "{part}: {:?}",
                lacking(&without)
            );
        }
        assert_eq!(lacking(&format!("{WHOLE}etc/passwd\n")), ["a place for etc/passwd"]);
    }
}
