//! An OCI image, made without a container engine: a Debian with all that the program needs, and over it the files of the
//! package. It is written as the image format has it (OCI image layout 1.0), in one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Release;
use super::archive::{pack, sha256};
use super::payload::Payload;
use crate::setup;
use crate::workspace::{Workspace, announce, output, run};

/// What makes a Debian in a file, and what reads an image.
const MAKERS: [&str; 2] = ["mmdebstrap", "skopeo"];
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// What nobody reads in a container. Who wrote what stays.
const LEFT_OUT: [&str; 4] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
];
/// The user and its folder, as `packaging/debian/postinst` makes them; and what differs from day to day is removed.
const HOOKS: [&str; 3] = [
    r#"chroot "$1" adduser --system --group --quiet --home /var/lib/forewarn --no-create-home --gecos Forewarn forewarn"#,
    r#"chroot "$1" install -d -o forewarn -g forewarn -m 0750 /var/lib/forewarn"#,
    r#"rm -rf "$1"/var/cache/fontconfig/* "$1"/var/cache/debconf/*-old "$1"/etc/*- "$1"/var/lib/dpkg/*-old"#,
];

/// Makes the image of a package that was made, and has it read by somebody else.
pub(super) fn image(workspace: &Workspace, release: &Release, payload: &Payload, package: &Path) -> Result<()> {
    setup::install(&MAKERS, false)?;
    announce("the image");
    let layout = Layout { workspace, release, root: release.out.join("image") };
    fs::create_dir_all(layout.blobs()).with_context(|| format!("failed to create {}", layout.blobs().display()))?;
    let debian = layout.layer(&debian(workspace, release, package)?)?;
    let program = layout.layer(&files(workspace, release, payload)?)?;
    let image = layout.finish(&[debian, program])?;
    fs::remove_dir_all(&layout.root).with_context(|| format!("failed to remove {}", layout.root.display()))?;
    let name = format!("oci-archive:{}", image.display());
    let read: Value = serde_json::from_str(&output(workspace.command("skopeo").args(["inspect", &name]))?)?;
    ensure!(
        read["Architecture"] == release.architecture && read["Layers"].as_array().map(Vec::len) == Some(2),
        "skopeo reads another image than was made: {read}"
    );
    Ok(())
}

/// A Debian with what a package needs, as an archive. It is that of the day: its packages come from where this machine has its
/// own from.
fn debian(workspace: &Workspace, release: &Release, package: &Path) -> Result<PathBuf> {
    let (archive, sources) = (release.out.join("debian.tar"), release.out.join("sources.list"));
    let depends = output(workspace.command("dpkg-deb").arg("--field").arg(package).arg("Depends"))?;
    let format = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)";
    let mut asked = workspace.command("apt-get");
    let listed = output(asked.args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    let mut lines: Vec<&str> = listed.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    fs::write(&sources, lines.join("\n") + "\n")?;
    let os = fs::read_to_string("/etc/os-release").context("failed to read /etc/os-release")?;
    let suite =
        os.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).context("this Debian has no name")?;
    let mut maker = workspace.command("mmdebstrap");
    // Its archive is the same to the byte as long as Debian's packages are the same.
    maker.env("SOURCE_DATE_EPOCH", release.made_at.to_string()).args(["--quiet", "--variant=minbase"]);
    maker.arg(format!("--architectures={}", release.architecture));
    maker.arg(format!("--include={}", names(&depends).join(",")));
    maker.arg(r#"--aptopt=APT::Install-Recommends "false""#);
    maker.args(LEFT_OUT.map(|rule| format!("--dpkgopt={rule}")));
    maker.args(HOOKS.map(|hook| format!("--customize-hook={hook}")));
    run(maker.arg(suite).arg(&archive).arg(&sources))?;
    fs::remove_file(sources)?;
    Ok(archive)
}

/// The names in a list of what is needed; of alternatives the first.
fn names(depends: &str) -> Vec<&str> {
    let name = |one: &'_ str| one.split([' ', ':', '|']).next().map(str::len).unwrap_or_default();
    depends.split(',').map(str::trim).map(|one| &one[..name(one)]).filter(|one| !one.is_empty()).collect()
}

/// The files of the package, as an archive.
fn files(workspace: &Workspace, release: &Release, payload: &Payload) -> Result<PathBuf> {
    let (root, archive) = (release.out.join("root"), release.out.join("files.tar"));
    payload.lay_out(&root)?;
    run(pack(workspace, release, &archive).arg("-C").arg(&root).arg("."))?;
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))?;
    Ok(archive)
}

/// A layer, by what it is called packed and unpacked.
struct Layer {
    described: Value,
    unpacked: String,
}

/// The folder of an image while it is made.
struct Layout<'a> {
    workspace: &'a Workspace,
    release: &'a Release,
    root: PathBuf,
}

impl Layout<'_> {
    fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    /// Takes an archive as a layer. The archive itself is gone then.
    fn layer(&self, archive: &Path) -> Result<Layer> {
        let unpacked = format!("sha256:{}", sha256(self.workspace, archive)?);
        run(self.workspace.command("gzip").args(["--no-name", "-6"]).arg(archive))?;
        Ok(Layer { described: self.blob(LAYER, &archive.with_extension("tar.gz"))?, unpacked })
    }

    /// Moves a file to where it is found by its hash; says what it is.
    fn blob(&self, kind: &str, file: &Path) -> Result<Value> {
        let (sha256, size) = (sha256(self.workspace, file)?, fs::metadata(file)?.len());
        fs::rename(file, self.blobs().join(&sha256)).with_context(|| format!("failed to move {}", file.display()))?;
        Ok(json!({ "mediaType": kind, "digest": format!("sha256:{sha256}"), "size": size }))
    }

    fn document(&self, kind: &str, document: &Value) -> Result<Value> {
        let file = self.root.join("document.json");
        fs::write(&file, serde_json::to_vec(document)?)?;
        self.blob(kind, &file)
    }

    /// Writes what says what the layers are, and packs all of it into one file.
    fn finish(&self, layers: &[Layer]) -> Result<PathBuf> {
        let at = format!("@{}", self.release.made_at);
        let made_at = output(self.workspace.command("date").args(["--utc", "--date", &at, "+%Y-%m-%dT%H:%M:%SZ"]))?;
        let config = self.document(CONFIG, &config(self.release, made_at.trim(), layers))?;
        let layers: Vec<&Value> = layers.iter().map(|layer| &layer.described).collect();
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        let mut manifest = self.document(MANIFEST, &manifest)?;
        manifest["platform"] = json!({ "architecture": self.release.architecture, "os": "linux" });
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": self.release.version });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest] });
        fs::write(self.root.join("index.json"), serde_json::to_vec(&index)?)?;
        fs::write(self.root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let image = self.release.out.join(self.release.name("_oci.tar"));
        let mut tar = pack(self.workspace, self.release, &image);
        run(tar.arg("-C").arg(&self.root).args(["blobs", "index.json", "oci-layout"]))?;
        Ok(image)
    }
}

/// What is run, as whom, and of which layers. No credential and no site is in it.
fn config(release: &Release, made_at: &str, layers: &[Layer]) -> Value {
    let unpacked: Vec<&str> = layers.iter().map(|layer| layer.unpacked.as_str()).collect();
    json!({
        "created": made_at,
        "architecture": release.architecture,
        "os": "linux",
        "config": {
            "User": "forewarn",
            "WorkingDir": "/var/lib/forewarn",
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "FOREWARN_MODEL_DIR=/var/lib/forewarn/models",
                "LANG=C.UTF-8",
            ],
            "Entrypoint": ["/usr/bin/forewarn"],
            "Cmd": ["--log", "info", "run", "--config", "/etc/forewarn/site.toml"],
            "Volumes": { "/var/lib/forewarn": {} },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "Forewarn",
                "org.opencontainers.image.version": release.version,
                "org.opencontainers.image.revision": release.commit,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": unpacked },
        "history": [
            { "created": made_at, "created_by": "mmdebstrap" },
            { "created": made_at, "created_by": "cargo xtask dist --image" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_needs_is_named_without_versions_and_alternatives() {
        let depends = "libc6 (>= 2.36), libasound2:any, default-mta | mail-transport-agent,espeak-ng\n";
        assert_eq!(names(depends), ["libc6", "libasound2", "default-mta", "espeak-ng"]);
    }

    #[test]
    fn an_image_of_two_layers_is_read_by_their_hashes_and_is_the_same_twice() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::locate().unwrap();
        let made: Vec<Vec<u8>> = ["one", "two"]
            .map(|name| {
                let release = Release {
                    version: "1.2.3".to_owned(),
                    architecture: "amd64".to_owned(),
                    commit: "abc".to_owned(),
                    made_at: 1_764_460_800,
                    out: dir.path().join(name),
                };
                let layout = Layout { workspace: &workspace, release: &release, root: release.out.join("image") };
                fs::create_dir_all(layout.blobs()).unwrap();
                let layers = ["base", "files"].map(|name| {
                    let (folder, archive) = (release.out.join(name), release.out.join(format!("{name}.tar")));
                    fs::create_dir(&folder).unwrap();
                    fs::write(folder.join("file"), name).unwrap();
                    run(pack(&workspace, &release, &archive).arg("-C").arg(&folder).arg(".")).unwrap();
                    layout.layer(&archive).unwrap()
                });
                fs::read(layout.finish(&layers).unwrap()).unwrap()
            })
            .into();
        assert!(made[0] == made[1], "other bytes");
        let root = dir.path().join("one/image");
        let json = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        let blob = |digest: &Value| {
            let sha256 = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
            let path = root.join("blobs/sha256").join(sha256);
            assert_eq!(super::sha256(&workspace, &path).unwrap(), sha256);
            path
        };
        let manifest = json(blob(&json(root.join("index.json"))["manifests"][0]["digest"]));
        let config = json(blob(&manifest["config"]["digest"]));
        assert_eq!((&config["architecture"], &config["created"]), (&json!("amd64"), &json!("2025-11-30T00:00:00Z")));
        assert_eq!(config["config"]["User"], "forewarn");
        for (layer, unpacked) in
            manifest["layers"].as_array().unwrap().iter().zip(config["rootfs"]["diff_ids"].as_array().unwrap())
        {
            let packed = blob(&layer["digest"]);
            assert_eq!(layer["size"], fs::metadata(&packed).unwrap().len());
            let archive = dir.path().join("unpacked.tar");
            let script = format!("gzip -dc <{} >{}", packed.display(), archive.display());
            run(workspace.command("sh").args(["-c", &script])).unwrap();
            assert_eq!(*unpacked, format!("sha256:{}", super::sha256(&workspace, &archive).unwrap()));
        }
    }
}
