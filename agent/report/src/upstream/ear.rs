//! What the other side of an upstream asks of the agent, and how that gets to whoever does it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use forewarn_domain::SpeakerId;
use tokio::sync::mpsc;

/// What became of wishes, as JSON, until it is told to the other side.
pub(crate) const ANSWERS: usize = 16;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To speak a text.
    Speak {
        /// Where.
        speaker: SpeakerId,
        /// What is said.
        text: String,
    },
    /// To say what is ready to be said.
    Play {
        /// Where.
        speaker: SpeakerId,
        /// Which of it.
        prepared: String,
    },
}

/// A wish as it came.
#[derive(Debug)]
pub struct Heard {
    /// The upstream from which it came.
    pub upstream: String,
    /// What is asked for.
    pub wish: Wish,
    /// Whether the other side had kept it, so that nobody knows how old it is.
    pub is_kept: bool,
    /// Where what became of it is told.
    pub answer: AnswerTo,
}

/// Where it is told to the other side what became of a wish.
#[derive(Debug, Clone)]
pub struct AnswerTo(pub(crate) mpsc::Sender<String>);

impl AnswerTo {
    /// Tells it, as JSON. What finds no room is not told; the audit log has it.
    pub fn tell(&self, told: String) {
        let _ = self.0.try_send(told);
    }
}

type Listens = Box<dyn Fn(Heard) + Send + Sync>;

/// The way of wishes to whoever does them. Clones are the same; what comes before somebody listens is not heard.
#[derive(Clone, Default)]
pub struct Ear(Arc<OnceLock<Listens>>);

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

impl Ear {
    /// Somebody listens from now on. The first one does for good.
    pub fn open(&self, listens: impl Fn(Heard) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(listens));
    }

    pub(crate) fn hear(&self, heard: Heard) {
        if let Some(listens) = self.0.get() {
            listens(heard);
        }
    }
}
