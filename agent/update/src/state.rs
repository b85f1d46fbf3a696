//! What is in force, what is tried, and what comes next. The one file that holds it is replaced as a whole: whatever is cut,
//! the next start finds it as it was before a step or after it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, Part};
use crate::moment::Moment;
use crate::version::Version;

/// Starts of the agent that a trial may take until it is well.
pub const MOST_STARTS: u32 = 3;

/// One of the two places for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    /// Its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A program in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The version that it came with.
    pub version: Version,
    /// Its hash.
    pub sha256: String,
}

/// What lay in a place before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Former {
    /// Nobody has looked yet.
    Unknown,
    /// Nothing.
    Nothing,
    /// A file of this hash, kept in the slot.
    File(String),
}

/// A file of a slot that is put somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Which part it belongs to.
    pub part: Part,
    /// Where to.
    pub to: PathBuf,
    /// Its hash.
    pub sha256: String,
    /// What lay there.
    pub former: Former,
}

/// An update as it lies in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Where.
    pub side: Side,
    /// What it is.
    pub manifest: Manifest,
    /// The program that runs with it, its own or the former one's; the package's if none.
    pub program: Option<Program>,
    /// The files that are put somewhere, in the order of their numbers.
    pub placed: Vec<Placed>,
    /// The parts of the agent that were in trouble before it, by which it is not judged.
    pub ailing: Vec<String>,
}

/// Where an update stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// None is under way.
    #[default]
    Quiet,
    /// One lies ready and begins with the next start.
    Ready(Slot),
    /// One is tried.
    Trial {
        /// Which.
        slot: Slot,
        /// Starts so far.
        starts: u32,
        /// When it began: an agent that ran before does not try it.
        #[serde(default)]
        begun: Option<Moment>,
    },
    /// One is being undone.
    Undoing {
        /// Which.
        slot: Slot,
        /// Why.
        why: String,
    },
}

/// An update that was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Its version.
    pub version: Version,
    /// Why.
    pub why: String,
}

/// It is not the time for it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    /// Another update is under way.
    #[error(
        "the update to {0} is being tried or undone; wait until `forewarn update status` says that none is under way, or \
         restart the agent"
    )]
    Busy(Version),
    /// There is nothing to return from.
    #[error("no update is in force, so there is nothing to return from")]
    NothingInForce,
    /// There is nothing to withdraw.
    #[error(
        "no update lies ready, so none is withdrawn; `forewarn update rollback` gives one up that is tried, or returns from one \
         that is in force"
    )]
    NothingReady,
    /// There is no trial.
    #[error("no update is being tried")]
    NoTrial,
    /// It was never in force.
    #[error(
        "{0} lies ready and was never in force, so there is nothing to return from; `forewarn update withdraw` takes it out"
    )]
    OnlyReady(Version),
}

/// What a start has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Keep what lies in the places of the update, and begin its trial.
    Try(Slot),
    /// Put the update into its places again, as far as it is not there.
    Again(Slot),
    /// Put back what lay there.
    Undo(Slot),
}

/// All that is remembered of updates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The update that is in force; the package alone if none.
    pub in_force: Option<Slot>,
    /// The one before, as long as its place is not used for another.
    pub former: Option<Slot>,
    /// What is under way.
    pub phase: Phase,
    /// The latest that was undone.
    pub undone: Option<Undone>,
}

impl State {
    /// The version in force, for a package whose program has version `own`.
    pub fn version(&self, own: &Version) -> Version {
        self.in_force.as_ref().map_or(own, |slot| slot.manifest.version.max_of(own)).clone()
    }

    /// The slot whose program is to run; the package's own program if none. A package that is newer goes first.
    pub fn runs(&self, own: &Version) -> Option<(&Slot, &Program)> {
        let slot = match &self.phase {
            Phase::Trial { slot, .. } => Some(slot),
            // What is returned from by hand is in force until then.
            Phase::Undoing { slot, .. } if self.in_force.as_ref() == Some(slot) => self.former.as_ref(),
            _ => self.in_force.as_ref(),
        };
        let of_slot = slot.and_then(|slot| Some((slot, slot.program.as_ref()?)));
        of_slot.filter(|(_, program)| program.version >= *own)
    }

    /// Makes room for an update; says on which side.
    pub fn make_room(&mut self) -> Result<Side, Unfit> {
        if let Phase::Trial { slot, .. } | Phase::Undoing { slot, .. } = &self.phase {
            return Err(Unfit::Busy(slot.manifest.version.clone()));
        }
        self.phase = Phase::Quiet;
        let side = self.in_force.as_ref().map_or(Side::A, |slot| slot.side.other());
        self.former = self.former.take().filter(|slot| slot.side != side);
        Ok(side)
    }

    /// An update lies ready in its place.
    pub fn ready(&mut self, slot: Slot) {
        self.phase = Phase::Ready(slot);
    }

    /// What lies ready is not tried.
    pub fn withdraw(&mut self) -> Result<Version, Unfit> {
        let Phase::Ready(slot) = &self.phase else { return Err(Unfit::NothingReady) };
        let version = slot.manifest.version.clone();
        self.phase = Phase::Quiet;
        Ok(version)
    }

    /// What a start has to do. A trial that took too many starts is given up.
    pub fn begin(&mut self) -> Step {
        match &mut self.phase {
            Phase::Quiet => Step::Nothing,
            Phase::Ready(slot) => Step::Try(slot.clone()),
            Phase::Trial { slot, starts, .. } if *starts < MOST_STARTS => {
                *starts += 1;
                Step::Again(slot.clone())
            }
            Phase::Trial { slot, starts, .. } => {
                let (slot, why) = (slot.clone(), format!("it was started {starts} times and never was well"));
                self.phase = Phase::Undoing { slot: slot.clone(), why };
                Step::Undo(slot)
            }
            Phase::Undoing { slot, .. } => Step::Undo(slot.clone()),
        }
    }

    /// What lay in the places is kept: the trial begins.
    pub fn tried(&mut self, slot: Slot, begun: Option<Moment>) {
        self.phase = Phase::Trial { slot, starts: 1, begun };
    }

    /// The agent is well with the update.
    pub fn confirm(&mut self) -> Result<Version, Unfit> {
        let Phase::Trial { slot, .. } = std::mem::take(&mut self.phase) else { return Err(Unfit::NoTrial) };
        let version = slot.manifest.version.clone();
        self.former = self.in_force.replace(slot);
        self.undone = None;
        Ok(version)
    }

    /// The trial is given up, or what is in force is returned from; the next start does it.
    pub fn give_up(&mut self, why: &str, only_of_trial: bool) -> Result<Version, Unfit> {
        let slot = match (&self.phase, &self.in_force) {
            (Phase::Undoing { slot, .. }, _) => return Ok(slot.manifest.version.clone()),
            (Phase::Quiet, _) if only_of_trial => return Err(Unfit::NoTrial),
            (Phase::Ready(slot), _) if !only_of_trial => return Err(Unfit::OnlyReady(slot.manifest.version.clone())),
            (Phase::Trial { slot, .. } | Phase::Ready(slot), _) | (Phase::Quiet, Some(slot)) => slot.clone(),
            (Phase::Quiet, None) => return Err(Unfit::NothingInForce),
        };
        let version = slot.manifest.version.clone();
        self.phase = Phase::Undoing { slot, why: why.to_owned() };
        Ok(version)
    }

    /// What lay in the places is back.
    pub fn back(&mut self) {
        let Phase::Undoing { slot, why } = std::mem::take(&mut self.phase) else { return };
        if self.in_force.as_ref() == Some(&slot) {
            self.in_force = self.former.take();
        }
        self.undone = Some(Undone { version: slot.manifest.version, why });
    }
}

impl Version {
    fn max_of<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self < other { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::slot;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn with(text: &str, has_program: bool, state: &mut State) {
        let side = state.make_room().unwrap();
        state.ready(slot(side, text, has_program));
        let Step::Try(slot) = state.begin() else { panic!("it begins") };
        state.tried(slot, None);
    }

    #[test]
    fn an_update_that_is_well_is_in_force_and_the_one_before_stays_for_the_way_back() {
        let (mut state, own) = (State::default(), version("0.1.0"));
        with("0.2.0", true, &mut state);
        assert_eq!(state.runs(&own).unwrap().0.side, Side::A);
        assert_eq!((state.confirm().unwrap(), state.version(&own)), (version("0.2.0"), version("0.2.0")));
        with("0.3.0", true, &mut state);
        assert!(matches!(state.make_room(), Err(Unfit::Busy(_))));
        state.confirm().unwrap();
        assert_eq!(state.runs(&own).unwrap().0.side, Side::B);
        state.give_up("it squeaks", false).unwrap();
        // The former program runs from the moment that it is decided.
        assert_eq!(state.runs(&own).unwrap().1.version, version("0.2.0"));
        assert!(matches!(state.begin(), Step::Undo(slot) if slot.side == Side::B));
        state.back();
        assert_eq!(state.version(&own), version("0.2.0"));
        assert_eq!(state.undone.clone().unwrap().why, "it squeaks");
        state.give_up("that too", false).unwrap();
        state.back();
        assert_eq!((state.version(&own), state.runs(&own)), (own.clone(), None));
        assert_eq!(state.give_up("more", false), Err(Unfit::NothingInForce));
    }

    #[test]
    fn a_trial_that_is_never_well_is_undone_by_its_starts_alone() {
        let mut state = State::default();
        with("0.2.0", true, &mut state);
        for _ in 1..MOST_STARTS {
            assert!(matches!(state.begin(), Step::Again(_)));
        }
        assert!(matches!(state.begin(), Step::Undo(_)));
        assert!(matches!(state.begin(), Step::Undo(_)), "until it is done");
        state.back();
        assert_eq!((state.begin(), state.in_force.as_ref()), (Step::Nothing, None));
        assert!(state.undone.unwrap().why.contains("started 3 times"));
    }

    #[test]
    fn what_lies_ready_is_withdrawn_and_may_come_again() {
        let mut state = State::default();
        assert_eq!(state.withdraw(), Err(Unfit::NothingReady));
        let side = state.make_room().unwrap();
        state.ready(slot(side, "0.2.0", true));
        assert_eq!(state.withdraw(), Ok(version("0.2.0")));
        assert_eq!((state.begin(), state.undone.clone()), (Step::Nothing, None));
        with("0.2.0", true, &mut state);
        assert_eq!(state.withdraw(), Err(Unfit::NothingReady), "it is being tried");
    }

    #[test]
    fn a_newer_package_goes_before_an_older_update() {
        let mut state = State::default();
        with("0.2.0", true, &mut state);
        state.confirm().unwrap();
        assert!(state.runs(&version("0.2.0")).is_some() && state.runs(&version("0.3.0")).is_none());
        assert_eq!(state.version(&version("0.3.0")), version("0.3.0"));
    }

    #[test]
    fn a_trial_alone_is_confirmed_and_given_up_as_a_trial() {
        let mut state = State::default();
        assert_eq!(state.confirm(), Err(Unfit::NoTrial));
        with("0.2.0", false, &mut state);
        state.confirm().unwrap();
        assert_eq!(state.give_up("x", true), Err(Unfit::NoTrial));
        assert!(state.runs(&version("0.1.0")).is_none(), "it brought no program");
        let side = state.make_room().unwrap();
        state.ready(slot(side, "0.3.0", false));
        assert_eq!(state.give_up("by hand", false), Err(Unfit::OnlyReady(version("0.3.0"))));
        assert!(matches!(state.begin(), Step::Try(_)), "it still lies ready");
    }
}
