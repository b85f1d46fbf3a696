//! What the settings of every kind of upstream can do, and what they are resolved against.

use std::path::Path;
use std::sync::Arc;

use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;
use forewarn_domain::IncidentState;

use super::Start;
use super::people::People;

/// What an adapter is resolved against.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The upstream's id.
    pub id: &'a str,
    /// The site's id.
    pub site: &'a str,
    /// The directory of the site file, against which relative paths are resolved.
    pub directory: &'a Path,
    /// Whom messages in words are for.
    pub people: &'a Arc<People>,
    /// Looks up environment variables.
    pub environment: Environment<'a>,
}

/// What is so of a kind where the site file does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual {
    /// Whether a report counts as acknowledged only when it has it.
    pub is_required: bool,
    /// The states of which it is told; of all if there is none here.
    pub states: &'static [IncidentState],
    /// What it is told of seals.
    pub seals: Seals,
}

/// What an upstream is told of seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seals {
    /// Nothing.
    Without,
    /// Of each, beside the steps of incidents.
    With,
    /// Of nothing else.
    Alone,
}

impl Usual {
    /// A system that keeps what it is told.
    pub const MACHINE: Self = Self { is_required: true, states: &[], seals: Seals::With };
    /// A place where evidence is kept: what lies here waits for it.
    pub const KEEPER: Self = Self { is_required: true, states: &[], seals: Seals::Alone };
    /// Somebody's phone: it rings when people must act, and no evidence waits for it.
    pub const PEOPLE: Self = Self { is_required: false, states: &[IncidentState::Escalated], seals: Seals::Without };
}

/// Settings of one kind as the site file spells them.
pub trait AdapterSettings {
    /// What is so where the site file does not say otherwise.
    fn usual(&self) -> Usual {
        Usual::MACHINE
    }

    /// Checks them and reads their secrets.
    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError>;
}
