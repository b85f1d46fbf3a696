//! The command line as it is typed.

mod clip;
mod dataset;
mod judge;
mod keep;
mod language;
mod mission;
mod models;
mod numbers;
mod operator;
mod outputs;
mod rehearse;
mod show;
#[cfg(test)]
mod tests;
mod update;
mod upkeep;
mod version;
mod watch;

use clap::{Parser, Subcommand};

pub use clip::{Clip, Moment};
pub use dataset::{Dataset, DatasetExport};
pub use judge::{Bench, Detect, Evaluate};
pub use keep::{Keep, Looker, Word};
pub use language::PageLanguage;
pub use mission::{Mission, MissionReport};
pub use models::{Bench as ModelBench, Calibrate as ModelCalibrate, Eval as ModelEval, Models, Tune as ModelTune};
pub use operator::{Feedback, Suppress, SuppressAdd};
pub use rehearse::Rehearse;
pub use show::{Config, Evidence, EvidenceReplay, Export, HeatSpan, Heatmap, Index, Key, Redact, Stampers, Stats};
pub use update::{Update, UpdateDir, UpdatePack, UpdateTake};
pub use upkeep::{Backup, Restore, Support};
pub use watch::{Check, Demo, Reload, Replay, Run, Say, Sim, Snapshot};

/// Sees violations in video, warns over a loudspeaker first, looks again, and reports what went on, with evidence.
#[derive(Debug, Parser)]
#[command(
    name = "forewarn",
    version = version::SHORT.as_str(),
    long_version = version::LONG.as_str(),
    max_term_width = 110
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much to log on standard error: error, warn, info, debug or trace, also by module (`info,ort=warn`).
    #[arg(long, global = true, env = "FOREWARN_LOG", default_value = "warn")]
    pub log: String,
    /// Log as JSON lines.
    #[arg(long, global = true)]
    pub log_json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the cameras of a site until stopped
    #[command(
        after_help = "Examples:\n  forewarn run     # a new box: writes site.toml, tells where to set it up\n  forewarn run --config site.toml --log info"
    )]
    Run(Run),
    /// Check a site file without starting anything
    #[command(after_help = "Examples:\n  forewarn check site.toml\n  forewarn check --config site.toml --probe")]
    Check(Check),
    /// Tell the running agent of a site to read its site file again
    #[command(after_help = "Example:\n  forewarn reload --config site.toml")]
    Reload(Reload),
    /// Say a text on one loudspeaker of a site, and print what was sent, what was answered and how far it is proven
    #[command(
        after_help = "Examples:\n  forewarn say \"Testing, one, two\" --speaker horn --config site.toml\n  forewarn say 测试 --language zh --speaker horn --config site.toml\n\nExit codes: 0 played, 1 not played, 64 the site file or the loudspeaker's table is wrong,\n65 the site has no such loudspeaker, 69 the loudspeaker is not there."
    )]
    Say(Say),
    /// Write a still of each camera with its zones drawn
    #[command(
        after_help = "Examples:\n  forewarn snapshot --config site.toml --out stills\n  forewarn snapshot --config site.toml --camera gate --out stills"
    )]
    Snapshot(Snapshot),
    /// Run recorded clips through a site's rules, as fast as the machine can, always with the same result
    #[command(
        after_help = "Example:\n  forewarn replay --config site.toml --camera gate=gate.mp4 --out out --tracks\n  cat out/incidents.jsonl"
    )]
    Replay(Replay),
    /// Tell what a site would have raised by its footage of the last hour, as it is or as it is meant to be changed
    #[command(
        after_help = "Examples:\n  forewarn rehearse --config draft.toml --camera gate --out tried\n  forewarn rehearse --config site.toml --camera gate --last 20 --out tried\n  cat tried/rehearsal.jsonl\n\nThere is footage of cameras with `footage = true`: docs/footage.md"
    )]
    Rehearse(Rehearse),
    /// Measure how much of what happens in marked clips is found, and compare configurations
    #[command(
        after_help = "Examples:\n  forewarn evaluate clips --config site.toml\n  forewarn evaluate clips --config site.toml --against new-site.toml \\\n      --fail-if-worse\n  forewarn evaluate clips --config site.toml --save old.json\n  forewarn evaluate --diff old.json new.json\n\nEach folder of clips has a truth.toml (docs/evaluation.md):\n  [[clip]]\n  file = \"parked.mp4\"\n  [[clip.truth]]\n  violation = \"illegal_parking\"\n  zone = \"kerb\"\n  from_s = 12.0\n  to_s = 58.5"
    )]
    Evaluate(Evaluate),
    /// Detect objects in photos
    #[command(
        after_help = "Examples:\n  forewarn detect street.jpg --model site-nano-416 --json\n  forewarn detect street.jpg --draw marked.png\n  forewarn detect square.jpg --tiles --draw marked.png\n  forewarn detect square.jpg --tiles 4x3"
    )]
    Detect(Detect),
    /// List, fetch, check, score or measure models
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn models list\n  forewarn models fetch nanodet-g-416\n  forewarn models check --all"
    )]
    Models(Models),
    /// Simulate parts of a site
    #[command(subcommand, after_help = "Example:\n  forewarn sim camera clip.mp4 --port 8554 --loop")]
    Sim(Sim),
    /// Show the whole loop on a real street clip: see, warn, look again, report
    #[command(
        after_help = "Examples:\n  forewarn demo\n  forewarn demo --fast\n  forewarn demo --fast --json\n  forewarn demo --fast --lang zh\n  forewarn demo --drone"
    )]
    Demo(Demo),
    /// Verify, list, show, hold and delete evidence
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn evidence verify \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2\n  forewarn evidence verify forewarn-data --trust authority.pem\n  forewarn evidence list forewarn-data\n  forewarn evidence hold gate-loitering-1795326382378-2 --why 'case 12/26' \\\n      --config site.toml"
    )]
    Evidence(Evidence),
    /// Show, exchange or have certified the key by which this device signs evidence
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn key show --config site.toml\n  forewarn key csr --config site.toml > device.csr\n  forewarn key import signed.pem --config site.toml"
    )]
    Key(Key),
    /// Print configuration: an annotated example, the schema for editors, a violation's file
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn config example > site.toml\n  forewarn config schema > site.schema.json\n  forewarn config violation loitering"
    )]
    Config(Config),
    /// Say whether an incident was true or a false alarm; list and export what was said
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn feedback add --config site.toml \\\n      --incident gate-loitering-1795326382378-2 --opinion false-alarm \\\n      --note poster\n  forewarn feedback export --config site.toml --out feedback"
    )]
    Feedback(Feedback),
    /// Pass over one instance, such as a statue, by its place and look, until it expires
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn suppress add --config site.toml \\\n      --incident gate-loitering-1795326382378-2 --days 365 --note statue\n  forewarn suppress list --config site.toml"
    )]
    Suppress(Suppress),
    /// Draw where people stayed, by minute, hour or day
    #[command(
        after_help = "Examples:\n  forewarn heatmap --config site.toml --camera square --out heat\n  forewarn heatmap --config site.toml --camera square --by hour \\\n      --from 2026-11-22T08:00 --to 2026-11-22T20:00 --out heat"
    )]
    Heatmap(Heatmap),
    /// Score grid cells and periods by their incidents: the civility index, as tables and maps
    #[command(
        after_help = "Examples:\n  forewarn index --config site.toml --from 2026-11-01 --to 2026-11-30 \\\n      --period week --out index\n  forewarn index --config site.toml --incidents out/incidents.jsonl \\\n      --start 2026-11-22T08:00:00+08:00 --out index"
    )]
    Index(Index),
    /// Tell how well warnings work: given, heard, heeded and how soon, by violation, zone, hour and text
    #[command(
        after_help = "Examples:\n  forewarn stats --config site.toml\n  forewarn stats --config site.toml --from 2026-11-01 --to 2026-11-30 --json"
    )]
    Stats(Stats),
    /// Collect crops of a site's own people and vehicles, to train a model of one's own
    #[command(
        subcommand,
        after_help = "Example:\n  forewarn dataset export --config site.toml --camera gate=gate.mp4 \\\n      --attribute hi_vis_vest --consent \"works council, 2026-11-01\" \\\n      --out crops"
    )]
    Dataset(Dataset),
    /// Note what a flight sees, and write its report: ground, people, incidents
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn mission start --config site.toml --route \"Hill 3\" --pilot \"Li Wei\"\n  forewarn mission stop --config site.toml\n  forewarn mission report --config site.toml --out flight.html"
    )]
    Mission(Mission),
    /// Take signed updates, try them, and return from those that do not do well
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn update check forewarn-0.2.0.update --config site.toml\n  forewarn update apply forewarn-0.2.0.update --config site.toml\n  forewarn update status"
    )]
    Update(Update),
    /// Cut a clip out of the footage of a camera, or list what footage there is
    #[command(
        after_help = "Examples:\n  forewarn clip --config site.toml --list\n  forewarn clip --config site.toml --camera gate \\\n      --from 2026-11-30T08:14:30 --to 2026-11-30T08:16 --out gate.mp4\n\nThere is footage of cameras with `footage = true`: docs/footage.md"
    )]
    Clip(Clip),
    /// Put what brings a box back into one file, while the agent runs
    #[command(
        after_help = "Examples:\n  forewarn backup monday.backup --config site.toml\n  forewarn backup all.backup --config site.toml --keys --secrets\n\nKeep one with --keys or --secrets as safe as the box."
    )]
    Backup(Backup),
    /// Bring a box back from a backup; the agent must not run
    #[command(after_help = "Example:\n  forewarn restore monday.backup --config site.toml")]
    Restore(Restore),
    /// Write log, metrics, configuration and versions into one file for whoever helps, without secrets
    #[command(
        after_help = "Examples:\n  forewarn support support.tar --config site.toml\n  forewarn support support.tar --config site.toml --log-file agent.log"
    )]
    Support(Support),
    /// Measure the frame path on a clip, by stage
    #[command(after_help = "Example:\n  forewarn bench clip.mp4 --frames 200")]
    Bench(Bench),
}
