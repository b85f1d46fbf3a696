//! Measures the release build on the demo clip and on the same scene in 1080p.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::{Profile, Workspace, run};
use crate::{assets, compile, demo, setup};

/// Runs the crates' own benchmarks.
pub(crate) fn criterion(workspace: &Workspace) -> Result<()> {
    setup::setup(false)?;
    run(&mut workspace.cargo(&["bench", "--workspace", "--benches"]))
}

/// Prints the stage tables of both clips.
pub(crate) fn stages(workspace: &Workspace, frames: u32) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Release)?;
    assets::fetch(workspace, &forewarn)?;
    let clip = demo_clip(&demo::store(&workspace.root))?;
    let large = full_hd(workspace, &clip, Pace::AsRecorded)?;
    for clip in [&clip, &large] {
        run(workspace.command(&forewarn).arg("bench").arg(clip).args(["--frames", &frames.to_string()]))?;
    }
    Ok(())
}

/// Runs the agent on `streams` cameras that show the 1080p clip.
pub(crate) fn streams(workspace: &Workspace, streams: u32, seconds: u32) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Release)?;
    assets::fetch(workspace, &forewarn)?;
    let clip = full_hd(workspace, &demo_clip(&demo::store(&workspace.root))?, Pace::AsCameras)?;
    let (streams, seconds) = (streams.to_string(), seconds.to_string());
    let mut cargo = workspace.cargo(&["run", "--release", "--package", "forewarn-tests", "--bin", "streams", "--"]);
    cargo.arg(clip).args(["--streams", &streams, "--seconds", &seconds]);
    run(cargo.env("FOREWARN_BIN", &forewarn))
}

/// Measures what evidence costs: one bundle by itself, and the agent while it seals many. Fails where it costs too much.
pub(crate) fn evidence(workspace: &Workspace) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Release)?;
    assets::fetch(workspace, &forewarn)?;
    let scratch = workspace.target().join("cost");
    fs::create_dir_all(&scratch).with_context(|| format!("failed to create {}", scratch.display()))?;
    run(workspace
        .cargo(&["run", "--release", "--package", "forewarn-evidence", "--example", "cost", "--"])
        .arg(&scratch))?;
    let clip = full_hd(workspace, &demo_clip(&demo::store(&workspace.root))?, Pace::AsCameras)?;
    let mut cargo = workspace.cargo(&["run", "--release", "--package", "forewarn-tests", "--bin", "sealing", "--"]);
    run(cargo.arg(clip).env("FOREWARN_BIN", &forewarn))
}

/// What prints figures of the console, by package and test; the page's journeys need Chromium.
const CONSOLE: [(&str, &[&str]); 2] = [
    (
        "forewarn-console",
        &["the_first_page_of_very_many", "a_hundred_incidents_are_reviewed", "an_operators_first_day"],
    ),
    ("forewarn-tests", &["cameras_are_seen_live", "is_seen_by_webrtc"]),
];

/// Measures the console: what it costs, whether those who look delay decisions, how soon pictures, cards and lists are there.
/// Of the demo's build, of which most is compiled already where anybody measures.
pub(crate) fn console(workspace: &Workspace) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Demo)?;
    assets::fetch(workspace, &forewarn)?;
    for (package, tests) in CONSOLE {
        let mut cargo = workspace.cargo(&["test", "--profile", "demo", "--package", package, "--", "--nocapture"]);
        run(cargo.args(tests).env("FOREWARN_BIN", &forewarn))?;
    }
    let clip = full_hd(workspace, &demo_clip(&demo::store(&workspace.root))?, Pace::AsCameras)?;
    let mut cargo =
        workspace.cargo(&["run", "--profile", "demo", "--package", "forewarn-tests", "--bin", "looking", "--"]);
    run(cargo.arg(clip).env("FOREWARN_BIN", &forewarn))
}

/// The demo clip: the MP4 whose name begins with `vtest`.
pub(crate) fn demo_clip(store: &Path) -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = Some(store.to_owned()).filter(|f| f.is_dir()).into_iter().collect();
    let mut clips = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("vtest")
                && path.extension().is_some_and(|e| e == "mp4")
                && !name.contains("1080p")
            {
                clips.push(path);
            }
        }
    }
    clips.sort();
    clips.into_iter().next().with_context(|| format!("no vtest*.mp4 in {}", store.display()))
}

/// How quickly a clip is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Ten frames a second and a key frame every five seconds.
    AsRecorded,
    /// As most cameras send: 25 frames a second and a key frame every two seconds. People walk faster for it.
    AsCameras,
}

/// The demo clip scaled up to 1080p with bars at the sides; made once, beside the demo clip.
fn full_hd(workspace: &Workspace, clip: &Path, pace: Pace) -> Result<PathBuf> {
    let (name, rate) = match pace {
        Pace::AsRecorded => ("vtest-1080p.mp4", &[][..]),
        Pace::AsCameras => {
            ("vtest-1080p-25.mp4", &["videorate", "rate=2.5", "!", "video/x-raw,framerate=25/1", "!"][..])
        }
    };
    let large = clip.with_file_name(name);
    if large.is_file() {
        return Ok(large);
    }
    let part = large.with_extension("part");
    let mut gst = workspace.command("gst-launch-1.0");
    gst.args(["--quiet", "filesrc", &format!("location={}", clip.display()), "!", "qtdemux", "!", "h264parse", "!"]);
    gst.args(["avdec_h264", "!"]).args(rate);
    gst.args(["videoscale", "add-borders=true", "!", "videoconvert", "!"]);
    gst.args(["video/x-raw,format=I420,width=1920,height=1080,pixel-aspect-ratio=1/1", "!"]);
    gst.args(["x264enc", "speed-preset=veryfast", "bitrate=6000", "key-int-max=50", "!", "h264parse", "!"]);
    gst.args(["mp4mux", "!", "filesink", &format!("location={}", part.display())]);
    run(&mut gst)?;
    if fs::metadata(&part).map_or(0, |m| m.len()) == 0 {
        bail!("the 1080p clip came out empty");
    }
    fs::rename(&part, &large).with_context(|| format!("failed to name {}", large.display()))?;
    Ok(large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_clip_is_found_below_the_store() {
        let store = tempfile::tempdir().unwrap();
        let error = demo_clip(store.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("no vtest*.mp4 in {}", store.path().display()));
        let folder = store.path().join("clips");
        fs::create_dir_all(&folder).unwrap();
        for name in ["vtest-1080p.mp4", "vtest.avi", "vtest.mp4", "other.mp4"] {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(demo_clip(store.path()).unwrap(), folder.join("vtest.mp4"));
    }
}
