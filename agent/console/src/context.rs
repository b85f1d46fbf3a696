//! What all pages of the console share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use forewarn_base::sync::lock;
use forewarn_domain::{IncidentRecord, StreamId, Timestamp, WallTime};
use forewarn_evidence::{By, Deed, EvidenceStore, Limits, StoreOptions, TimeLine};
use forewarn_memory::trail::{Line, Trail};

use crate::access::{Access, Reach, ReachError};
use crate::act::Act;
use crate::again::Comparisons;
use crate::calls::Calls;
use crate::ports::Ports;
use crate::redactor::Redactor;
use crate::rehearsals::Rehearsals;
use crate::setup::Setup;
use crate::still::Still;
use crate::store::{Index, Newsroom};

/// A look at an incident counts as the same look for so long.
const ONE_LOOK: Duration = Duration::from_hours(1);
/// By this header the page says that it fetches what nobody looks at yet.
const AHEAD: &str = "x-forewarn-ahead";
/// Looks that are remembered.
const LOOKS: usize = 10_000;

/// What all pages share.
pub(crate) struct Context {
    pub setup: Setup,
    pub ports: Ports,
    pub access: Access,
    pub index: Arc<Index>,
    pub news: Newsroom,
    pub trail: Trail,
    /// The cookie's name, which tells consoles of one box apart.
    pub cookie: String,
    /// When somebody looked at an incident.
    pub looks: Mutex<BTreeMap<(String, String, bool), Timestamp>>,
    /// Places for sockets of live video.
    pub sockets: Arc<tokio::sync::Semaphore>,
    /// Who looks over WebRTC.
    pub calls: Calls,
    /// Held by whoever speaks over a loudspeaker.
    pub speaking: Mutex<()>,
    /// Makes copies in which something is hidden.
    pub redactor: Redactor,
    /// Makes small copies of clips for browsers that cannot play them.
    pub previewer: Redactor,
    /// Decides clips twice.
    pub comparisons: Comparisons,
    /// Tries changes on footage.
    pub rehearsals: Rehearsals,
    /// Held while a command is done.
    pub commanding: Mutex<()>,
    /// The latest still of each camera, and the latest of its preview.
    pub stills: Mutex<BTreeMap<(String, bool), Still>>,
}

impl Context {
    /// Writes down who did what.
    pub(crate) fn note(&self, who: Option<&str>, act: Act, about: Option<&str>, detail: Option<String>) {
        let at = self.wall_now().to_rfc3339();
        let (who, about) = (who.map(str::to_owned), about.map(str::to_owned));
        self.trail.add(&Line { at, who, deed: act.as_str().to_owned(), about, detail });
    }

    /// Writes down that somebody looks at an incident's evidence, or that his page fetches it because he may look at it next.
    /// Looks of one hour are one.
    pub(crate) fn note_look(&self, who: &str, record: &IncidentRecord, headers: &HeaderMap) {
        let (now, is_ahead) = (self.setup.clock.now(), headers.contains_key(AHEAD));
        let key = (who.to_owned(), record.id.to_string(), is_ahead);
        {
            let mut looks = lock(&self.looks);
            looks.retain(|_, at| now.since(*at) < ONE_LOOK);
            let (who, id, _) = key.clone();
            // What is fetched after somebody has looked is no news.
            if looks.contains_key(&key) || looks.contains_key(&(who, id, false)) {
                return;
            }
            if looks.len() < LOOKS {
                looks.insert(key, now);
            }
        }
        self.note_access(who, record, Deed::Shown, is_ahead.then(|| "fetched ahead".to_owned()));
    }

    /// Writes down what somebody does with an incident's evidence, where that is kept.
    pub(crate) fn note_access(&self, who: &str, record: &IncidentRecord, deed: Deed, detail: Option<String>) {
        self.note(Some(who), Act::Evidence(deed), Some(record.id.as_str()), detail.clone());
        let Some(bundle) = self.bundle(record) else { return };
        let Some(store) = EvidenceStore::around(&bundle, &self.setup.version) else { return };
        let by = By { who: Some(who.to_owned()), why: None };
        let detail =
            Some(detail.map_or_else(|| "in the console".to_owned(), |detail| format!("{detail}, in the console")));
        if let Err(error) = store.leave_access(&bundle, (deed, detail), by, self.wall_now()) {
            tracing::warn!(%error, "the audit log of the evidence does not say so");
        }
    }

    /// The folder of an incident's evidence, if anything is kept.
    pub(crate) fn bundle(&self, record: &IncidentRecord) -> Option<PathBuf> {
        let id = record.id.as_str();
        if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
            return None;
        }
        Some(self.setup.places.evidence.join(record.bundle())).filter(|path| path.is_dir())
    }

    /// The store of evidence, for words that are left in it.
    pub(crate) fn store(&self) -> EvidenceStore {
        let agent_version = self.setup.version.clone();
        let options = StoreOptions { limits: Limits::default(), time_line: TimeLine::WallClock, agent_version };
        EvidenceStore::new(&self.setup.places.evidence, options)
    }

    /// Whether the site has all cameras to which somebody is to be limited.
    pub(crate) fn has_all_of(&self, reach: &Reach) -> Result<(), ReachError> {
        let known: Vec<StreamId> = self.ports.cameras.all().into_iter().map(|camera| camera.id).collect();
        reach.check_of_site(&known)
    }

    pub(crate) fn wall_now(&self) -> WallTime {
        self.setup.clock.wall(self.setup.clock.now())
    }
}
