//! Speech that was made before, so that a second warning starts at once, and a fall-back need not make it again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::SpokenText;

use crate::speaker::pcm::Pcm;

/// Bound of what is kept, in bytes of samples: six minutes of speech. What was used longest ago goes first.
const MOST_BYTES: usize = 16 << 20;

/// What speech is known by: whatever changes a sample of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpeechKey {
    pub(super) text: SpokenText,
    pub(super) program: PathBuf,
    pub(super) voice: String,
    pub(super) rate_wpm: u16,
    /// Its loudness, in hundredths of LUFS.
    pub(super) centi_lufs: i64,
}

/// The speech of all loudspeakers of a site. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct SpeechCache(Arc<Mutex<VecDeque<Kept>>>);

type Kept = (SpeechKey, Arc<Pcm>);

impl SpeechCache {
    /// Speech that was kept; it counts as used.
    pub(super) fn get(&self, key: &SpeechKey) -> Option<Arc<Pcm>> {
        let mut kept = lock(&self.0);
        let found = kept.iter().position(|(known, _)| known == key)?;
        let entry = kept.remove(found)?;
        let pcm = entry.1.clone();
        kept.push_back(entry);
        Some(pcm)
    }

    /// Keeps speech, and gives up what was used longest ago until all has room.
    pub(super) fn keep(&self, key: SpeechKey, pcm: Arc<Pcm>) {
        if 2 * pcm.samples.len() > MOST_BYTES {
            return;
        }
        let mut kept = lock(&self.0);
        kept.retain(|(known, _)| *known != key);
        kept.push_back((key, pcm));
        let mut bytes: usize = kept.iter().map(|(_, pcm)| 2 * pcm.samples.len()).sum();
        while bytes > MOST_BYTES
            && let Some((_, oldest)) = kept.pop_front()
        {
            bytes -= 2 * oldest.samples.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::violation::Language;

    use super::*;

    fn key(text: &str, centi_lufs: i64) -> SpeechKey {
        let text = SpokenText { language: Language::En, text: text.to_owned() };
        SpeechKey { text, program: "espeak-ng".into(), voice: "en-gb".to_owned(), rate_wpm: 150, centi_lufs }
    }

    fn speech(bytes: usize) -> Arc<Pcm> {
        Arc::new(Pcm { rate_hz: 22_050, samples: vec![7; bytes / 2] })
    }

    #[test]
    fn each_loudness_is_kept_apart() {
        let cache = SpeechCache::default();
        cache.keep(key("Stop.", -1600), speech(10));
        assert!(cache.get(&key("Stop.", -2600)).is_none() && cache.clone().get(&key("Stop.", -1600)).is_some());
    }

    #[test]
    fn it_is_bounded_in_bytes_and_what_is_used_stays() {
        let cache = SpeechCache::default();
        for text in ["a", "b", "c", "d"] {
            cache.keep(key(text, 0), speech(MOST_BYTES / 4));
        }
        assert!(cache.get(&key("a", 0)).is_some());
        cache.keep(key("e", 0), speech(MOST_BYTES / 2));
        let is_kept = |text| cache.get(&key(text, 0)).is_some();
        assert_eq!(["a", "b", "c", "d", "e"].map(is_kept), [true, false, false, true, true]);
        cache.keep(key("endless", 0), speech(MOST_BYTES + 2));
        let is_kept = |text| cache.get(&key(text, 0)).is_some();
        assert_eq!(
            ["a", "e", "endless"].map(is_kept),
            [true, true, false],
            "what has no room alone drives out nothing"
        );
    }
}
