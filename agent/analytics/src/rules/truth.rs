//! What is known of a condition: a truth with two more values for what is not known.
//!
//! | value | met with | at the root |
//! |---|---|---|
//! | false | | the condition does not hold |
//! | cannot tell | what a person wears, a sensor that is silent | raises nothing, and is no proof of compliance either |
//! | no clock | the time of day in a replay | the condition holds |
//! | true | | the condition holds |

/// What is known of a condition, in the order of how far it goes towards holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    CannotTell,
    NoClock,
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Truth {
    /// Whether a tree of this value holds.
    pub(super) fn holds(self) -> bool {
        self >= Self::NoClock
    }

    /// Whether it holds, or would if more could be told.
    pub(super) fn may_hold(self) -> bool {
        self != Self::False
    }

    /// The opposite, if `is_turned`; what is not known stays so.
    pub(super) fn turned(self, is_turned: bool) -> Self {
        match self {
            Self::True if is_turned => Self::False,
            Self::False if is_turned => Self::True,
            other => other,
        }
    }
}

/// What is known of a condition about a track after a sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) truth: Truth,
    /// The same, with a time that is half over counted as possible: a closer look may soon be of use.
    pub(super) nearly: Truth,
}

impl From<Truth> for Held {
    fn from(truth: Truth) -> Self {
        Self { truth, nearly: truth }
    }
}

impl From<bool> for Held {
    fn from(holds: bool) -> Self {
        Truth::from(holds).into()
    }
}

impl Held {
    /// Whether something that lasts for `us` has lasted for `for_us`.
    pub(super) fn lasted(us: i64, for_us: i64) -> Self {
        let truth = Truth::from(us >= for_us);
        let nearly = if us >= for_us / 2 { truth.max(Truth::CannotTell) } else { truth };
        Self { truth, nearly }
    }
}
