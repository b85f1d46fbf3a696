//! Sound that is read as fast as it sounds.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;

use crate::speaker::programme::samples_to_duration;
use crate::speaker::run::{Limits, pause};

/// Length of one piece.
const PIECE: Duration = Duration::from_millis(40);
/// How far ahead of its time a piece leaves: what the device holds against a network that stutters.
const AHEAD: Duration = Duration::from_millis(200);

/// Sound of one byte a sample.
#[derive(Clone)]
pub(super) struct Paced {
    pub(super) bytes: Arc<[u8]>,
    pub(super) rate_hz: u32,
    /// By which it is cut.
    pub(super) limits: Limits,
}

impl Paced {
    /// How long it sounds.
    pub(super) fn duration(&self) -> Duration {
        samples_to_duration(self.bytes.len() as u64, self.rate_hz)
    }

    /// Lets it sound from its first byte on.
    pub(super) fn start(&self) -> Playing {
        Playing { sound: self.clone(), watch: None, at: 0 }
    }
}

/// Sound on its way.
pub(super) struct Playing {
    sound: Paced,
    watch: Option<Stopwatch>,
    at: usize,
}

impl Read for Playing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let watch = *self.watch.get_or_insert_with(Stopwatch::start);
        let due = samples_to_duration(self.at as u64, self.sound.rate_hz);
        pause(due.saturating_sub(watch.elapsed() + AHEAD));
        self.sound.limits.go_on().map_err(io::Error::other)?;
        let piece = (self.sound.rate_hz as usize * PIECE.as_millis() as usize / 1000).max(1).min(into.len());
        let end = (self.at + piece).min(self.sound.bytes.len());
        let bytes = &self.sound.bytes[self.at..end];
        into[..bytes.len()].copy_from_slice(bytes);
        self.at = end;
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Cut;

    use super::*;

    #[test]
    fn it_takes_as_long_as_it_sounds_but_for_what_goes_ahead() {
        let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(5));
        let sound = Paced { bytes: vec![7; 4000].into(), rate_hz: 8000, limits };
        let watch = Stopwatch::start();
        let mut all = Vec::new();
        sound.start().read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 4000);
        assert!(watch.elapsed() + AHEAD + PIECE >= sound.duration(), "{:?}", watch.elapsed());
    }

    #[test]
    fn what_is_cut_ends_in_an_error_that_says_so() {
        let cut = Cut::default();
        let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(5)).until(cut.clone());
        let mut playing = Paced { bytes: vec![7; 80_000].into(), rate_hz: 8000, limits }.start();
        assert_eq!(playing.read(&mut [0; 64]).unwrap(), 64);
        cut.ask();
        assert!(playing.read(&mut [0; 64]).unwrap_err().to_string().contains("more urgent"));
    }
}
