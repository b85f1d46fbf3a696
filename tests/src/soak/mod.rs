//! Things that go wrong again and again on a site, done some hundred times: descriptors, threads and memory stay flat.
//!
//! Each load runs in a process of its own, so that nothing else is counted with it.

mod parts;
mod proxy;
mod streams;
mod usage;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use streams::Disturbed;
pub use streams::{Disturbance, serve_camera};
use usage::{Usage, slope};

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// A stream is disturbed.
    Stream(Disturbance),
    /// An announcement fails.
    Announcements,
    /// A model is exchanged.
    Models,
    /// The console is asked ten times.
    Requests,
}

/// Each load, its name, and how often it is done at length and briefly.
const LOADS: [(Load, &str, u32, u32); 8] = [
    (Load::Stream(Disturbance::CutH264Tcp), "h264-tcp", 500, 12),
    (Load::Stream(Disturbance::CutH264Udp), "h264-udp", 500, 12),
    (Load::Stream(Disturbance::CutH265Tcp), "h265-tcp", 500, 12),
    (Load::Stream(Disturbance::CutH265Udp), "h265-udp", 500, 12),
    (Load::Stream(Disturbance::Format), "format", 500, 12),
    (Load::Announcements, "announcements", 500, 30),
    (Load::Models, "models", 100, 8),
    (Load::Requests, "requests", 1000, 60),
];

impl Load {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        LOADS.into_iter().map(|(load, ..)| load)
    }

    /// How often it is done.
    pub fn rounds(self, is_brief: bool) -> u32 {
        let row = LOADS.iter().find(|(load, ..)| *load == self);
        row.map_or(0, |(_, _, at_length, briefly)| if is_brief { *briefly } else { *at_length })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(LOADS.iter().find(|(load, ..)| load == self).map_or("", |(_, name, ..)| name))
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let row = LOADS.into_iter().find(|(_, name, ..)| *name == text);
        let known: Vec<&str> = LOADS.iter().map(|(_, name, ..)| *name).collect();
        row.map(|(load, ..)| load).ok_or_else(|| format!("no load is called {text}; there are {}", known.join(", ")))
    }
}

/// What a load has shown.
#[derive(Debug)]
pub struct Verdict {
    load: Load,
    rounds: u32,
    usages: Vec<Usage>,
}

/// The part of the rounds after which everything that is made once has been made.
const WARM_UP: f64 = 0.3;
/// What may be more in the end by chance: a descriptor or two, threads that are about to end on a busy machine, memory
/// that the allocator keeps for the next time.
const CHANCE: [f64; 3] = [3.0, 3.0, 12_288.0];
/// Memory that a round may leave: an allocator's noise. Each leak that was ever found here left more.
const KIB_A_ROUND: f64 = 24.0;

impl Verdict {
    /// How much more there is of each figure after so many rounds as were measured, and how much may be.
    fn growth(&self) -> Vec<(&'static str, f64, f64)> {
        let begin = (self.usages.len() as f64 * WARM_UP) as usize;
        let measured = &self.usages[begin.min(self.usages.len())..];
        let of = |n: usize| measured.iter().map(|usage| usage.figures()[n].1).collect::<Vec<_>>();
        let names = self.usages.first().map(|usage| usage.figures().map(|(name, _)| name)).unwrap_or_default();
        let growth = |n: usize| {
            let rounds = measured.len() as f64;
            let bound = match n {
                // The allocator keeps a model or two.
                2 if self.load == Load::Models => 65_536.0,
                2 => CHANCE[2] + KIB_A_ROUND * rounds,
                _ => CHANCE[n],
            };
            (names[n], slope(&of(n)) * rounds, bound)
        };
        (0..names.len()).map(growth).collect()
    }

    /// Whether nothing grows.
    pub fn is_good(&self) -> bool {
        self.growth().iter().all(|(_, growth, bound)| growth <= bound)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, rounds, .. } = self;
        write!(f, "{load:<14} {rounds:>5} rounds: ")?;
        let (first, last) = (self.usages.first(), self.usages.last());
        let figures =
            |usage: Option<&Usage>| usage.map(|usage| usage.figures().map(|(_, value)| value)).unwrap_or_default();
        for (n, (name, growth, bound)) in self.growth().into_iter().enumerate() {
            let (from, to) = (figures(first)[n], figures(last)[n]);
            write!(f, "{name} {from:.0} to {to:.0} (slope {growth:+.1}, may be {bound:.0}); ")?;
        }
        f.write_str(if self.is_good() { "flat" } else { "IT GROWS" })
    }
}

/// Does one load for so many rounds in this process, with files in `dir`.
pub fn endure(load: Load, rounds: u32, dir: &Path, mut progress: impl FnMut(u32)) -> anyhow::Result<Verdict> {
    let mut round: Box<dyn FnMut() -> anyhow::Result<()>> = match load {
        Load::Stream(kind) => {
            let mut disturbed = Disturbed::start(kind, dir)?;
            Box::new(move || disturbed.round())
        }
        Load::Announcements => {
            let mut failing = parts::Failing::start(dir)?;
            Box::new(move || failing.round())
        }
        Load::Models => {
            let mut reloads = parts::Reloads::start()?;
            Box::new(move || reloads.round())
        }
        Load::Requests => {
            let mut clients = parts::Clients::start()?;
            Box::new(move || clients.round())
        }
    };
    let mut usages = Vec::with_capacity(rounds as usize);
    for n in 0..rounds {
        round()?;
        usages.push(Usage::read()?);
        progress(n + 1);
    }
    Ok(Verdict { load, rounds, usages })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(usage: impl Fn(f64) -> Usage) -> Verdict {
        let load = Load::Requests;
        Verdict { load, rounds: 100, usages: (0..100).map(|n| usage(f64::from(n))).collect() }
    }

    #[test]
    fn two_descriptors_in_a_hundred_rounds_are_chance_and_one_in_ten_is_a_leak() {
        let flat = |n: f64| Usage { descriptors: 60.0 + n % 3.0, threads: 9.0, memory_kib: 90_000.0 + n * 10.0 };
        assert!(verdict(flat).is_good(), "{}", verdict(flat));
        for leak in [
            |n: f64| Usage { descriptors: 60.0 + n / 10.0, threads: 9.0, memory_kib: 9e4 },
            |n: f64| Usage { descriptors: 60.0, threads: 9.0 + n / 20.0, memory_kib: 9e4 },
            |n: f64| Usage { descriptors: 60.0, threads: 9.0, memory_kib: 9e4 + n * 200.0 },
        ] {
            assert!(!verdict(leak).is_good(), "{}", verdict(leak));
            assert!(verdict(leak).to_string().ends_with("IT GROWS"));
        }
    }

    #[test]
    fn every_load_is_known_by_its_name() {
        for load in Load::all() {
            assert_eq!(load.to_string().parse(), Ok(load));
        }
        assert!("nothing".parse::<Load>().unwrap_err().contains("h264-tcp"));
    }
}
