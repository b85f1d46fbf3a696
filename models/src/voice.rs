//! Voices of Piper: a network that a site adds, with its description beside it, as `voice.onnx` and `voice.onnx.json`.
//!
//! Source: <https://github.com/OHF-Voice/piper1-gpl>, `src/piper/voice.py` and `phoneme_ids.py`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use forewarn_base::sync::lock;
use forewarn_domain::voice::{Voice, Voiced, Voices};
use ort::session::Session;
use ort::value::TensorRef;
use serde::Deserialize;

use crate::runtime::Runtime;
use crate::session::session;
use crate::store::Store;

/// Threads of a voice: it speaks while pictures are looked at.
const THREADS: usize = 1;
/// What a sentence begins with, ends with, and has between its sounds.
const MARKS: [&str; 3] = ["^", "$", "_"];
/// The longest description that is read.
const MOST_BYTES: u64 = 1 << 20;

/// The voices that are open, each once in a process.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Piper>>> = Mutex::new(BTreeMap::new());

/// Opens voices of Piper by this process's ONNX Runtime.
#[derive(Debug, Clone)]
pub struct PiperVoices {
    store: Store,
}

impl PiperVoices {
    /// By the runtime of a store, which is loaded with the first voice.
    pub fn by(store: Store) -> Self {
        Self { store }
    }
}

impl Voices for PiperVoices {
    fn open(&self, file: &Path) -> Result<Arc<dyn Voice>, String> {
        let mut open = lock(&OPEN);
        if let Some(known) = open.get(file).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let runtime = Runtime::load(&self.store).map_err(|error| error.to_string())?;
        let voice = Arc::new(Piper::open(file, &runtime)?);
        open.insert(file.to_owned(), Arc::downgrade(&voice));
        Ok(voice)
    }
}

/// The description of a voice.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    audio: Audio,
    espeak: Speller,
    #[serde(default)]
    inference: Inference,
    #[serde(default)]
    phoneme_type: Option<String>,
    phoneme_id_map: BTreeMap<String, Vec<i64>>,
    #[serde(default)]
    num_speakers: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct Speller {
    voice: String,
}

/// How freely it speaks.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self { noise_scale: 0.667, length_scale: 1.0, noise_w: 0.8 }
    }
}

impl Description {
    fn read(path: &Path) -> Result<Self, String> {
        let unread = |why: String| format!("its description {}: {why}", path.display());
        let length = fs::metadata(path).map_err(|error| unread(error.to_string()))?.len();
        if length > MOST_BYTES {
            return Err(unread(format!("{length} bytes are no description of a voice")));
        }
        let bytes = fs::read(path).map_err(|error| unread(error.to_string()))?;
        let read: Self = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        if let Some(kind) = read.phoneme_type.as_deref().filter(|kind| *kind != "espeak") {
            return Err(unread(format!("its sounds are spelt by {kind}, and not by espeak-ng")));
        }
        if let Some(mark) = MARKS.iter().find(|mark| !read.phoneme_id_map.contains_key(**mark)) {
            return Err(unread(format!("`phoneme_id_map` lacks {mark:?}")));
        }
        if !(8_000..=48_000).contains(&read.audio.sample_rate) {
            return Err(unread(format!("{} samples a second", read.audio.sample_rate)));
        }
        Ok(read)
    }

    /// The numbers of a sentence's sounds, with those of the marks around and between. What the voice does not know is left
    /// out, as Piper does.
    fn numbers(&self, sounds: &str) -> Vec<i64> {
        let of = |mark: &str| self.phoneme_id_map.get(mark).cloned().unwrap_or_default();
        let (mut numbers, between) = (of(MARKS[0]), of(MARKS[2]));
        numbers.extend(&between);
        for sound in sounds.chars() {
            if let Some(known) = self.phoneme_id_map.get(sound.encode_utf8(&mut [0; 4])) {
                numbers.extend(known);
                numbers.extend(&between);
            }
        }
        numbers.extend(of(MARKS[1]));
        numbers
    }
}

/// A voice of Piper.
struct Piper {
    description: Description,
    session: Mutex<Session>,
}

impl fmt::Debug for Piper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piper").field("speller", &self.description.espeak.voice).finish_non_exhaustive()
    }
}

impl Piper {
    fn open(file: &Path, runtime: &Runtime) -> Result<Self, String> {
        let mut beside = file.as_os_str().to_owned();
        beside.push(".json");
        let description = Description::read(Path::new(&beside))?;
        let opened = session(file, runtime, THREADS, Vec::new());
        let session = opened.map_err(|error| format!("the network cannot be opened: {error}"))?;
        let needed = ["input", "input_lengths", "scales"];
        let has = |name: &str| session.inputs().iter().any(|input| input.name() == name);
        if let Some(missing) = needed.into_iter().find(|name| !has(name)) {
            return Err(format!("the network has no input `{missing}`, so it is no voice of Piper"));
        }
        Ok(Self { description, session: Mutex::new(session) })
    }

    fn run(&self, numbers: &[i64], scales: [f32; 3]) -> Result<Vec<f32>, ort::Error> {
        let (lengths, speaker) = ([numbers.len() as i64], [0_i64]);
        let mut inputs = ort::inputs![
            "input" => TensorRef::from_array_view(([1_usize, numbers.len()], numbers))?,
            "input_lengths" => TensorRef::from_array_view(([1_usize], &lengths[..]))?,
            "scales" => TensorRef::from_array_view(([3_usize], &scales[..]))?,
        ];
        if self.description.num_speakers > 1 {
            inputs.push(("sid".into(), TensorRef::from_array_view(([1_usize], &speaker[..]))?.into()));
        }
        let mut session = lock(&self.session);
        let outputs = session.run(inputs)?;
        let Some(first) = outputs.values().next() else { return Ok(Vec::new()) };
        let samples = first.try_extract_array::<f32>()?;
        Ok(samples.iter().copied().collect())
    }
}

impl Voice for Piper {
    fn speller(&self) -> &str {
        &self.description.espeak.voice
    }

    fn speak(&self, sounds: &str, tempo: f64) -> Result<Voiced, String> {
        let Inference { noise_scale, length_scale, noise_w } = self.description.inference;
        let scales = [noise_scale, (f64::from(length_scale) / tempo.max(0.1)) as f32, noise_w];
        let samples = self.run(&self.description.numbers(sounds), scales).map_err(|error| error.to_string())?;
        Ok(Voiced { rate_hz: self.description.audio.sample_rate, samples })
    }
}
