//! The site file: read, checked, resolved.
//!
//! Each section is one file: the section as it is written (`Raw…`), its check, what the agent uses of it, its part of
//! the example and, by derivation, its part of the JSON Schema. [`site`] joins them. Violations and [`truth`] files are
//! read beside them, so that a mistake in any TOML file is told in one manner.

pub mod adoption;
mod again;
mod area;
mod attributes;
mod beside;
mod camera;
pub mod card;
mod case;
mod chains;
pub mod changes;
mod check;
mod claim;
mod client_ids;
pub mod clips;
mod commands;
pub mod doubts;
mod drawing;
pub mod edit;
mod evidence;
mod exclusion;
mod explain;
mod first;
mod header;
mod heat_map;
mod inference;
mod listen;
mod look;
mod luma;
mod map;
mod map_files;
mod mask;
#[cfg(test)]
mod mistakes;
mod model;
mod nearest;
mod needs;
pub mod pictures;
pub mod plain_texts;
mod power;
pub mod prepared;
mod rule;
mod running;
mod schema;
mod sensor;
mod setup;
mod shadow;
pub mod site;
pub mod source;
mod speaker;
mod storage;
mod storage_dir;
mod telemetry;
#[cfg(test)]
mod tests;
mod tiles;
mod tracking;
pub mod truth;
mod update;
mod upstream;
mod version;
mod video;
pub mod violations;
mod zone;

pub use again::{Kept as KeptSetting, NotEnough};
pub use attributes::Attributes;
pub use camera::Camera;
pub use chains::Chains;
pub use claim::{Claim, Taken, claim, is_taken};
pub use evidence::Evidence;
pub use first::{BESIDE, write_first};
pub use header::Header;
pub use heat_map::HeatMap;
pub use inference::Inference;
pub use listen::{ConsoleTls, Listeners};
pub use map_files::{outlines, weights};
pub use model::Model;
pub use power::PowerPlan;
pub use rule::Rule;
pub use running::Running;
pub use shadow::Shadow;
pub use site::{Site, UnknownSpeaker, check_spelling, example, load, resolve, schema};
pub use source::{ConfigError, ConfigErrors};
pub use storage::Storage;
pub use storage_dir::StorageDir;
pub use telemetry::LiveTelemetry;
pub use update::{Update, UpdatePart};
