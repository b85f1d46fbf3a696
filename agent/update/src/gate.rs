//! Whether an agent fares at least as well as before, by what it says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of an agent at a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// Whether the process that watches runs the program that is tried.
    pub(crate) is_the_one: bool,
    /// How its parts fare, 0 to 2; none while it does not answer.
    pub(crate) parts: Option<BTreeMap<String, u8>>,
    /// The frames that were looked at, by camera.
    pub(crate) looked_at: BTreeMap<String, u64>,
}

/// What becomes of the trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is too early to say.
    Wait,
    /// It is well.
    Well,
    /// It is not, for this reason.
    Failed(String),
}

/// Judges one trial.
#[derive(Debug)]
pub(crate) struct Gate {
    ailing: Vec<String>,
    within: Duration,
    steady: Duration,
    well_since: Option<Duration>,
}

const TROUBLE: u8 = 2;
const CAMERA: &str = "camera ";

impl Gate {
    /// A trial must be well for `steady` without a break, and that `within` a time. Parts that were `ailing` before it do not
    /// count.
    pub(crate) fn new(ailing: Vec<String>, within: Duration, steady: Duration) -> Self {
        Self { ailing, within, steady, well_since: None }
    }

    /// What was seen so long after the start.
    pub(crate) fn see(&mut self, after: Duration, seen: &Seen) -> Verdict {
        match self.lacks(seen) {
            None => {
                let since = *self.well_since.get_or_insert(after);
                if after.saturating_sub(since) >= self.steady { Verdict::Well } else { Verdict::Wait }
            }
            Some(what) => {
                self.well_since = None;
                let within = self.within.as_secs();
                if after < self.within { Verdict::Wait } else { Verdict::Failed(format!("after {within} s {what}")) }
            }
        }
    }

    /// What keeps it from being well.
    fn lacks(&self, seen: &Seen) -> Option<String> {
        let Some(parts) = &seen.parts else {
            return Some("the agent did not answer at its metrics".to_owned());
        };
        if !seen.is_the_one {
            return Some("the agent had not been started anew by the program that is tried".to_owned());
        }
        let counts = |part: &&String| !self.ailing.contains(*part);
        if let Some((part, _)) = parts.iter().find(|(part, state)| **state >= TROUBLE && counts(part)) {
            return Some(format!("{part} was in trouble, and was not before"));
        }
        let cameras = parts.keys().filter(counts).filter_map(|part| part.strip_prefix(CAMERA));
        let mut unseen = cameras.filter(|camera| seen.looked_at.get(*camera).is_none_or(|frames| *frames == 0));
        unseen.next().map(|camera| format!("no frame of camera {camera} had been looked at"))
    }
}

/// What the metrics of an agent tell.
pub(crate) fn read(metrics: &str, is_the_one: bool) -> Seen {
    let mut seen = Seen { is_the_one, parts: Some(BTreeMap::new()), looked_at: BTreeMap::new() };
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        let of = |name: &str, label: &str| {
            let rest = series.strip_prefix(name)?.strip_prefix('{')?.strip_prefix(label)?.strip_prefix("=\"")?;
            rest.strip_suffix("\"}").map(str::to_owned)
        };
        if let Some(part) = of("forewarn_part_health", "part") {
            seen.parts.get_or_insert_default().insert(part, value as u8);
        } else if let Some(camera) = of("forewarn_frames_analysed_total", "camera") {
            seen.looked_at.insert(camera, value as u64);
        }
    }
    seen
}

/// The parts of an agent that are in trouble, by its metrics.
pub(crate) fn ailing(metrics: &str) -> Vec<String> {
    let parts = read(metrics, true).parts.unwrap_or_default();
    parts.into_iter().filter(|(_, state)| *state >= TROUBLE).map(|(part, _)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str = "# HELP forewarn_part_health How a part fares\nforewarn_part_health{part=\"camera gate\"} 0\n\
                        forewarn_part_health{part=\"outbox\"} 0\nforewarn_part_health{part=\"speaker horn\"} 1\n\
                        forewarn_frames_analysed_total{camera=\"gate\"} 12\n";

    fn gate(ailing: &[&str]) -> Gate {
        let ailing = ailing.iter().map(ToString::to_string).collect();
        Gate::new(ailing, Duration::from_mins(1), Duration::from_secs(10))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_is_well_for_long_enough_is_confirmed_and_a_break_counts_anew() {
        let mut gate = gate(&[]);
        assert_eq!(gate.see(at(1), &Seen::default()), Verdict::Wait);
        assert_eq!(gate.see(at(2), &read(WELL, true)), Verdict::Wait);
        assert_eq!(gate.see(at(11), &Seen::default()), Verdict::Wait);
        assert_eq!(gate.see(at(12), &read(WELL, true)), Verdict::Wait);
        assert_eq!(gate.see(at(21), &read(WELL, true)), Verdict::Wait);
        assert_eq!(gate.see(at(22), &read(WELL, true)), Verdict::Well);
    }

    #[test]
    fn what_is_missing_when_the_time_is_up_is_the_reason() {
        let blind = WELL.replace(" 12", " 0");
        let sick = WELL.replace("outbox\"} 0", "outbox\"} 2");
        for (seen, told) in [
            (Seen::default(), "did not answer"),
            (read(WELL, false), "not been started anew"),
            (read(&blind, true), "no frame of camera gate"),
            (read(&sick, true), "outbox was in trouble"),
        ] {
            let mut gate = gate(&[]);
            assert_eq!(gate.see(at(59), &seen), Verdict::Wait);
            let Verdict::Failed(why) = gate.see(at(60), &seen) else { panic!("{told}") };
            assert!(why.contains(told) && why.starts_with("after 60 s"), "{why}");
        }
    }

    #[test]
    fn what_was_in_trouble_before_is_not_held_against_the_update() {
        let dead = WELL.replace("camera gate\"} 0", "camera gate\"} 2").replace(" 12", " 0");
        assert_eq!(ailing(&dead), ["camera gate"]);
        let mut gate = gate(&["camera gate"]);
        gate.see(at(1), &read(&dead, true));
        assert_eq!(gate.see(at(11), &read(&dead, true)), Verdict::Well);
    }
}
