//! What the settings of every kind of upstream can do, and what they are resolved against.

use std::path::Path;
use std::sync::Arc;

use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;

use super::Start;

/// What an adapter is resolved against.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The upstream's id.
    pub id: &'a str,
    /// The site's id.
    pub site: &'a str,
    /// The directory of the site file, against which relative paths are resolved.
    pub directory: &'a Path,
    /// Looks up environment variables.
    pub environment: Environment<'a>,
}

/// Settings of one kind as the site file spells them.
pub trait AdapterSettings {
    /// Checks them and reads their secrets.
    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError>;
}
