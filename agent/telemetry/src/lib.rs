//! The metrics of the running agent: one table, from which the typed handles, Prometheus' help texts and
//! `docs/metrics.md` are made; [`queue`]s between threads, which count themselves; and what is
//! told of a run: latencies, and troubles that last.
//!
//! A metric is used by its constant, such as `telemetry::FRAMES_IN.of([&camera]).increment(1)`. A name that is not in
//! the table does not compile, nor does a wrong number of labels; a row that nobody uses is told by `cargo xtask tidy`.

mod latency;
#[cfg(test)]
mod page;
pub mod queue;
mod roll;
mod table;
mod troubles;

use std::fmt::Display;

use ::metrics::Label;

pub use latency::Latencies;
pub use roll::Roll;
pub use table::*;
pub use troubles::Troubles;

/// What a metric does with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

/// What is said of a metric to those who read it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it does with its values.
    pub kind: Kind,
    /// What one of it is.
    pub unit: &'static str,
    /// The keys of its labels.
    pub labels: &'static [&'static str],
    /// What it means, in one sentence.
    pub help: &'static str,
}

/// A name with `N` labels.
#[derive(Debug, Clone, Copy)]
struct Name<const N: usize> {
    name: &'static str,
    labels: [&'static str; N],
}

impl<const N: usize> Name<N> {
    fn with(&self, values: [&dyn Display; N]) -> Vec<Label> {
        self.labels.into_iter().zip(values).map(|(key, value)| Label::new(key, value.to_string())).collect()
    }
}

/// A metric that only grows, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Counter<const N: usize>(Name<N>);

/// A metric that goes up and down, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<const N: usize>(Name<N>);

/// A metric that counts values by size, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const N: usize>(Name<N>);

impl<const N: usize> Counter<N> {
    const fn new(name: &'static str, labels: [&'static str; N]) -> Self {
        Self(Name { name, labels })
    }

    /// The one for these values of the labels, in the order of the table.
    #[expect(clippy::disallowed_macros, reason = "names come from the table")]
    pub fn of(&self, values: [&dyn Display; N]) -> ::metrics::Counter {
        ::metrics::counter!(self.0.name, self.0.with(values))
    }
}

impl<const N: usize> Gauge<N> {
    const fn new(name: &'static str, labels: [&'static str; N]) -> Self {
        Self(Name { name, labels })
    }

    /// The one for these values of the labels, in the order of the table.
    #[expect(clippy::disallowed_macros, reason = "names come from the table")]
    pub fn of(&self, values: [&dyn Display; N]) -> ::metrics::Gauge {
        ::metrics::gauge!(self.0.name, self.0.with(values))
    }
}

impl<const N: usize> Histogram<N> {
    const fn new(name: &'static str, labels: [&'static str; N]) -> Self {
        Self(Name { name, labels })
    }

    /// The one for these values of the labels, in the order of the table.
    #[expect(clippy::disallowed_macros, reason = "names come from the table")]
    pub fn of(&self, values: [&dyn Display; N]) -> ::metrics::Histogram {
        ::metrics::histogram!(self.0.name, self.0.with(values))
    }
}

/// Tells the recorder what each metric means. Those by whose growth somebody is woken begin with nought: the first event of one
/// that was not there before is no growth to Prometheus.
pub fn describe() {
    for row in GROUPS.iter().flat_map(|(_, rows)| *rows) {
        match row.kind {
            Kind::Counter => ::metrics::describe_counter!(row.name, row.help),
            Kind::Gauge => ::metrics::describe_gauge!(row.name, row.help),
            Kind::Histogram => ::metrics::describe_histogram!(row.name, row.help),
        }
    }
    WARNINGS.of([&"any", &"not_delivered", &"none"]).increment(0);
    CLOCK_LEAPS.of([&"forward"]).increment(0);
    CLOCK_LEAPS.of([&"back"]).increment(0);
}
