//! MISB ST 0601 that comes beside the video of a camera, in the transport stream that it sends.
//!
//! Nothing is connected to: whoever reads the stream hands over the packets, each with the instant of the picture beside
//! which it came and, where the stream states one, its own. Packets without an own instant are laid onto the time line by
//! their own clock: by the median of how far the latest of them were from their pictures, so that what a muxer held back
//! does not count.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::{StreamId, Timestamp};

use super::LiveGiven;
use super::mailbox::{Mailbox, place};
use crate::telemetry::klv::{Packet, packets};

/// No sample for so long, while the video goes on, is told.
const SILENT_US: i64 = 5_000_000;
/// So many packets say how far their clock is from the video's.
const MOST_APART: usize = 64;
/// A clock that is farther from the median has been set.
const LEAP_US: i64 = 5_000_000;

/// Hears the packets of one camera.
#[derive(Debug)]
pub struct KlvEar {
    stream: StreamId,
    mailbox: Arc<Mailbox>,
    given: LiveGiven,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The video's latest instant at which a sample came, or that it was first heard.
    latest: Option<Timestamp>,
    /// How far the packets' clock was from the video's.
    apart_us: VecDeque<i64>,
    n_packets: u64,
    n_damaged: u64,
}

impl KlvEar {
    /// Hears for a camera, and puts samples into `mailbox`.
    pub fn new(stream: &StreamId, given: LiveGiven, mailbox: &Arc<Mailbox>) -> Self {
        Self { stream: stream.clone(), mailbox: Arc::clone(mailbox), given, state: Mutex::default() }
    }

    /// Packets came beside the video's instant `beside`, stated for `at`; no bytes say that the video goes on.
    pub fn hear(&self, at: Option<Timestamp>, beside: Timestamp, bytes: &[u8]) {
        let mut state = lock(&self.state);
        let mut samples = Vec::new();
        for packet in packets(bytes) {
            state.n_packets += 1;
            let Ok(packet) = packet else {
                state.n_damaged += 1;
                continue;
            };
            let instant = at.or_else(|| state.by_own_clock(&packet, beside));
            samples.extend(instant.and_then(|at| packet.sample(at, (self.given.aim, self.given.view_deg))));
        }
        let since = *state.latest.get_or_insert(beside);
        if !samples.is_empty() {
            state.latest = Some(beside);
            self.mailbox.put(&self.stream, samples);
        } else if beside.micros_since(since) >= SILENT_US {
            self.mailbox.fail(&self.stream, &format!("the video comes, and {}", state.why_none()));
        }
    }
}

/// Hears what comes beside one look at a camera's video.
#[derive(Debug)]
pub struct KlvProbe {
    mailbox: Arc<Mailbox>,
    ear: Arc<KlvEar>,
}

impl KlvProbe {
    /// A probe of the camera.
    pub fn new(stream: &StreamId, given: LiveGiven) -> Self {
        let mailbox = Arc::default();
        let ear = Arc::new(KlvEar::new(stream, given, &mailbox));
        Self { mailbox, ear }
    }

    /// To whom packets are handed.
    pub fn ear(&self) -> Arc<KlvEar> {
        Arc::clone(&self.ear)
    }

    /// What came, or why nothing did.
    pub fn told(&self) -> Result<String, String> {
        let news = self.mailbox.take().remove(&self.ear.stream).unwrap_or_default();
        match news.samples.back() {
            Some(last) => Ok(format!("{} samples beside the video, {}", news.samples.len(), place(last))),
            None => Err(format!("no sample beside the video: {}", lock(&self.ear.state).why_none())),
        }
    }
}

impl State {
    /// Why there are no samples, by what was heard.
    fn why_none(&self) -> String {
        match (self.n_packets, self.n_damaged) {
            (0, _) => {
                "it has no packet of MISB ST 0601: have the camera or encoder write KLV into its stream".to_owned()
            }
            (n, damaged) if damaged * 2 > n => {
                format!("{damaged} of {n} packets of MISB ST 0601 are damaged: look for loss on the way")
            }
            _ => {
                "its packets of MISB ST 0601 tell no place, or no attitude: set `aim` where the camera does not tell it"
                    .to_owned()
            }
        }
    }

    fn by_own_clock(&mut self, packet: &Packet, beside: Timestamp) -> Option<Timestamp> {
        let own_us = packet.time_us?;
        let apart = beside.as_micros().saturating_sub(own_us);
        if self.median().is_some_and(|median| apart.saturating_sub(median).saturating_abs() > LEAP_US) {
            self.apart_us.clear();
        }
        self.apart_us.push_back(apart);
        if self.apart_us.len() > MOST_APART {
            self.apart_us.pop_front();
        }
        Some(Timestamp::from_micros(own_us.saturating_add(self.median()?)))
    }

    fn median(&self) -> Option<i64> {
        let mut sorted: Vec<i64> = self.apart_us.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

impl Drop for KlvEar {
    fn drop(&mut self) {
        self.mailbox.forget(&self.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Height;
    use crate::telemetry::klv::testing::told;

    fn ear() -> (KlvEar, Arc<Mailbox>) {
        let mailbox = Arc::<Mailbox>::default();
        let given = LiveGiven { aim: None, height: Height::Sea, view_deg: Some(60.0) };
        (KlvEar::new(&StreamId::new("drone").unwrap(), given, &mailbox), mailbox)
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    fn samples(mailbox: &Mailbox) -> Vec<(Timestamp, f64)> {
        let news = mailbox.take().into_values().next().unwrap_or_default();
        news.samples.iter().map(|sample| (sample.at, (sample.zoom * 100.0).round() / 100.0)).collect()
    }

    #[test]
    fn what_the_stream_states_counts_and_else_the_packets_own_clock() {
        let (ear, mailbox) = ear();
        // 60° are zoom 1; 32.2° are twice as near.
        ear.hear(Some(at(100.25)), at(100.2), &told(0.0, 21_845));
        ear.hear(Some(at(101.25)), at(101.2), &told(1.0, 11_724));
        assert_eq!(samples(&mailbox), [(at(100.25), 1.0), (at(101.25), 2.0)]);
        // Held back by turns, 40 ms on the whole: the way from one to the next is that of their own clock.
        for n in 0..20 {
            let held_back = [0.0, 0.04, 0.3][n % 3];
            ear.hear(None, at(200.0 + n as f64 + held_back), &told(n as f64, 21_845));
        }
        let heard = samples(&mailbox);
        let last_two = heard[19].0.micros_since(heard[18].0);
        assert!((last_two - 1_000_000).abs() < 2, "{heard:?}");
        assert!((heard[19].0.micros_since(at(219.04))).abs() < 2, "{heard:?}");
    }

    #[test]
    fn silence_is_told_while_the_video_goes_on_and_ends_with_a_sample() {
        let (ear, mailbox) = ear();
        for second in 0..7 {
            ear.hear(None, at(f64::from(second)), &[]);
        }
        let told_why = mailbox.trouble().unwrap();
        assert!(told_why.contains("no packet of MISB ST 0601"), "{told_why}");
        ear.hear(Some(at(7.0)), at(7.0), &told(7.0, 21_845));
        assert_eq!(mailbox.trouble(), None);
        let mut damaged = told(8.0, 21_845);
        damaged[30] ^= 0xFF;
        for second in 8..15 {
            ear.hear(Some(at(f64::from(second))), at(f64::from(second)), &damaged);
        }
        assert!(
            mailbox.trouble().unwrap().contains("7 of 8 packets of MISB ST 0601 are damaged"),
            "{:?}",
            mailbox.trouble()
        );
        drop(ear);
        assert_eq!(mailbox.trouble(), None, "nobody wants any");
    }

    #[test]
    fn a_look_tells_what_came_beside_the_video() {
        let given = LiveGiven { aim: None, height: Height::Sea, view_deg: Some(60.0) };
        let probe = KlvProbe::new(&StreamId::new("drone").unwrap(), given);
        probe.ear().hear(None, at(1.0), &[]);
        assert!(probe.told().unwrap_err().contains("has no packet"));
        probe.ear().hear(Some(at(2.0)), at(2.0), &told(2.0, 21_845));
        let words = probe.told().unwrap();
        assert!(words.starts_with("1 samples beside the video, the last at 60.176823, 128.426759"), "{words}");
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let (ear, mailbox) = ear();
        (0..10).for_each(|n| ear.hear(None, at(f64::from(n)), &told(f64::from(n), 21_845)));
        ear.hear(None, at(10.0), &told(9_000.0, 21_845));
        assert_eq!(samples(&mailbox).last().unwrap().0, at(10.0));
    }
}
