//! Tuning on the box itself: in which numbers, on what and with how many threads a detector takes the least.
//!
//! [`plan`] says what is tried, [`OpenWay`] measures one way of it, [`choose`] decides by what was measured, and [`Tuning`]
//! keeps that beside the store with what it holds for. All but the measuring is pure.

mod choice;
mod measure;
mod plan;
mod tuning;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::providers::{Precision, Provider, ProviderChoice, Request};

pub use choice::{Choice, choose};
pub use measure::{OpenWay, Took};
pub use plan::{LeftOut, MOST_POINTS_LOST, Machine, Plan, plan};
pub use tuning::{Key, Tuning, TuningError};

/// One way to run a detector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Way {
    /// Name of the card, or of a variant as the card names it.
    pub card: String,
    /// What runs it.
    pub provider: Provider,
    /// In which numbers that computes.
    pub precision: Precision,
    /// Threads of one inference.
    pub threads: usize,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { card, provider, precision, threads } = self;
        let s = if *threads == 1 { "" } else { "s" };
        write!(f, "{card} on {provider} in {precision} with {threads} thread{s}")
    }
}

/// What looks by one way took, one a round. The ways took turns, so that the same places of two ways belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Measured {
    /// The way.
    #[serde(flatten)]
    pub way: Way,
    /// From the frame to the boxes, in microseconds.
    pub look_us: Vec<u32>,
    /// Processor time of all threads meanwhile, in microseconds.
    pub processor_us: Vec<u32>,
}

/// What a site says itself, which no tuning changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given {
    /// Threads of one inference.
    pub threads: Option<usize>,
    /// On what and in which numbers, where either is said. The card is then the one that is named, and no variant of it.
    pub execution: Option<Request>,
}

impl Given {
    /// What runs the model without any tuning, as far as a tuning can measure it.
    fn usual(&self, card: &str) -> Way {
        let request = self.execution.unwrap_or_default();
        let provider = request.provider.named().unwrap_or(Provider::Cpu);
        let precision = if provider == Provider::Cpu { Precision::Fp32 } else { request.precision };
        Way { card: card.to_owned(), provider, precision, threads: self.threads.unwrap_or(1) }
    }
}

impl Way {
    /// What a site would have to ask for.
    pub fn request(&self) -> Request {
        Request { provider: ProviderChoice::from(self.provider), precision: self.precision }
    }

    /// Whether the work is the processor's, so that the number of threads means something.
    pub fn is_on_processor(&self) -> bool {
        matches!(self.provider, Provider::Cpu | Provider::OpenVino)
    }

    /// Whether another way differs by nothing but the threads.
    fn computes_as(&self, other: &Self) -> bool {
        (&self.card, self.provider, self.precision) == (&other.card, other.provider, other.precision)
    }
}
