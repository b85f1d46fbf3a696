//! ONNX sessions, pre- and post-processing, model cards and the model store.
//!
//! From a card's name to detections:
//!
//! ```no_run
//! use forewarn_models::{Fetcher, OnnxDetector, Progress, Runtime, Store, cards, image_frame};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::locate();
//! let card = cards::builtin(cards::DEFAULT_DETECTOR)?;
//! let fetcher = Fetcher::new(store.clone(), Progress::Shown);
//! fetcher.fetch_runtime()?;
//! fetcher.fetch_model(&card)?;
//!
//! let runtime = Runtime::load(&store)?;
//! let weights = store.weights(&card)?;
//! let mut detector = OnnxDetector::open(&card, &weights, &runtime, 1)?;
//! let frame = image_frame("photo.jpg".as_ref())?;
//! for detection in detector.detect_frame(&frame)? {
//!     println!("{} {:.2} {:?}", detection.class, detection.score, detection.bbox);
//! }
//! println!("{:?}", detector.last_timings());
//! # Ok(())
//! # }
//! ```
//!
//! A card of one's own is read by any TOML reader, because [`Card`] is `Deserialize`, and checked by
//! [`Card::validate`]; [`Card::from_toml`] does both. Thresholds are set in `card.thresholds` before the model is
//! opened. [`OnnxDetector`] is a [`forewarn_domain::Detector`]; one thread uses it at a time.

pub mod bench;
pub mod card;
pub mod cards;
mod check;
mod coco;
pub mod crop;
pub mod dataset;
pub mod decode;
mod detector;
mod draw;
pub mod eval;
mod feed;
mod fetch;
mod frame_copy;
mod jpeg;
mod late;
mod nms;
mod open_error;
mod photo;
pub mod preprocess;
pub mod providers;
pub mod reader;
pub mod runtime;
mod session;
pub mod shadow;
mod shipped;
pub mod store;
pub mod swap;
pub mod tfjs;
pub mod tune;
pub mod variant;
mod voice;

pub use card::{Card, CardError};
pub use check::{CheckError, check};
pub use detector::{DetectError, Found, OnnxDetector, Timings};
pub use draw::save_drawing;
pub use fetch::{FetchError, Fetcher, Progress};
pub use jpeg::JpegError;
pub use late::LateDetector;
pub use open_error::OpenError;
pub use photo::{PhotoError, image_frame};
pub use runtime::{Runtime, RuntimeError};
pub use store::{Store, StoreError};
pub use voice::PiperVoices;
