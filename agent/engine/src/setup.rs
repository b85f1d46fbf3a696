//! What the decisions of a site rest on, as plain values.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_analytics::luma::StaticObjectConfig;
use forewarn_analytics::{CompiledRule, TrackerConfig};
use forewarn_domain::{Exclusion, RuleKey, StreamId, Zone};
use forewarn_incident::RulePolicy;

use crate::ground::GroundSetup;
use crate::payload::Payloads;

/// Everything that an [`Engine`](crate::Engine) needs to know of a site.
#[derive(Debug, Clone, Default)]
pub struct EngineSetup {
    /// The streams that are watched.
    pub streams: BTreeMap<StreamId, StreamSetup>,
    /// What follows on a hit of each rule.
    pub policies: BTreeMap<RuleKey, RulePolicy>,
    /// Settings of every stream's tracker.
    pub tracker: TrackerConfig,
    /// The loudspeakers that fly with a camera.
    pub payloads: Payloads,
}

/// What is watched for in one stream.
#[derive(Debug, Clone, Default)]
pub struct StreamSetup {
    /// The zones and lines of the camera, in the order in which the rules are bound to them.
    pub zones: Vec<Zone>,
    /// The rules of the stream.
    pub rules: Vec<CompiledRule>,
    /// How things that stay are sought; none where no rule is about them.
    pub static_objects: Option<StaticObjectConfig>,
    /// Where things that stay do not count.
    pub exclusions: Arc<[Exclusion]>,
    /// What is known of a camera that flies; none of one that stands.
    pub ground: Option<GroundSetup>,
}
