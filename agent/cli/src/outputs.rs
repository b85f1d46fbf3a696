//! What a command leaves on the disk: where, and whether it shows people.

use std::path::{Path, PathBuf};

use crate::{Command, Dataset, Evidence, Feedback, Mission, Models, Update};

/// The two files that make a folder a bundle of evidence.
const MARKS: [&str; 2] = ["manifest.json", "incident.json"];

impl Command {
    /// The folders and files that the command line names to be written.
    pub fn outputs(&self) -> Vec<&Path> {
        let named: Option<&PathBuf> = match self {
            Self::Snapshot(args) => Some(&args.out),
            Self::Replay(args) => Some(&args.out),
            Self::Rehearse(args) => Some(&args.out),
            Self::Demo(args) => Some(&args.out),
            Self::Evaluate(args) => args.save.as_ref(),
            Self::Detect(args) => args.draw.as_ref(),
            Self::Models(Models::Eval(args)) => args.detections.as_ref(),
            Self::Evidence(Evidence::Export(args)) => Some(&args.out),
            Self::Evidence(Evidence::Report { out, .. })
            | Self::Feedback(Feedback::Export { out, .. })
            | Self::Models(Models::Pack { out }) => Some(out),
            Self::Heatmap(args) => Some(&args.out),
            Self::Index(args) => Some(&args.out),
            Self::Dataset(Dataset::Export(args)) => Some(&args.out),
            Self::Update(Update::Pack(args)) => Some(&args.out),
            Self::Backup(args) => Some(&args.out),
            Self::Clip(args) => args.out.as_ref(),
            Self::Support(args) => Some(&args.out),
            Self::Mission(Mission::Report(args)) => Some(&args.out),
            _ => None,
        };
        named.into_iter().map(PathBuf::as_path).collect()
    }

    /// The bundle of evidence into which the command would write: with one more file it were no longer what was sealed.
    pub fn bundle_to_be_spoilt(&self) -> Option<PathBuf> {
        self.outputs().into_iter().find_map(bundle_around)
    }

    /// Whether the command writes what shows people, or tells of them.
    pub fn keeps_people(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Replay(_)
                | Self::Rehearse(_)
                | Self::Demo(_)
                | Self::Feedback(_)
                | Self::Suppress(_)
                | Self::Snapshot(_)
                | Self::Detect(_)
                | Self::Evidence(_)
                | Self::Dataset(_)
                | Self::Backup(_)
                | Self::Clip(_)
                | Self::Restore(_)
                | Self::Support(_)
                | Self::Mission(_)
        )
    }
}

/// The bundle in which a path lies, or would lie.
fn bundle_around(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    // Names of links and `..` say nothing; the place where the first folder that is there truly lies does.
    let there = whole.ancestors().find_map(|part| part.canonicalize().ok())?;
    let is_bundle = |folder: &&Path| MARKS.iter().all(|mark| folder.join(mark).is_file());
    there.ancestors().find(is_bundle).map(Path::to_path_buf)
}
