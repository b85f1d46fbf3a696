//! Decodes a sound file (WAV, OGG and whatever else GStreamer knows) to mono samples.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use gst::prelude::*;

use crate::speaker::error::{PlayError, SoundFileError};
use crate::speaker::pcm::{CUT_OFF, Pcm, is_wav_cut_off};
use crate::speaker::run::{Limits, Rendered, chain, element, keeping_sink, mono_caps, to_end};

/// Rate of the decoded samples: that of espeak-ng, and more than a horn can render.
const RATE_HZ: u32 = 22_050;
/// Longest sound file in bytes of its samples: five minutes.
const MAX_BYTES: usize = 2 * 300 * RATE_HZ as usize;

/// Decodes the whole file within `limit`.
pub(super) fn decode_file(path: &Path, limit: Duration) -> Result<Pcm, PlayError> {
    // Opening it first tells a missing file from a broken one.
    let open = |source| SoundFileError::Open { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(open)?;
    if !file.metadata().map_err(open)?.is_file() {
        return Err(open(io::ErrorKind::IsADirectory.into()).into());
    }
    let (sink, kept) = keeping_sink(&mono_caps(RATE_HZ), MAX_BYTES);
    let pipeline = pipeline(path, &sink)?;
    let broken = |reason: String| PlayError::from(SoundFileError::Decode { path: path.to_owned(), reason });
    // The decoder plays what is there of it, and half a warning is none that was played.
    if is_wav_cut_off(&mut file).map_err(open)? {
        return Err(broken(CUT_OFF.to_owned()));
    }
    to_end(&pipeline, &Rendered::default(), &Limits::new(limit, limit)).map_err(|e| match e {
        PlayError::Broken { reason } => broken(reason),
        PlayError::Timeout | PlayError::Stalled { .. } => broken("decoding took too long".to_owned()),
        other => other,
    })?;
    let bytes = kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
    let samples: Vec<i16> = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    if samples.is_empty() {
        return Err(broken("it holds no sound".to_owned()));
    }
    Ok(Pcm { rate_hz: RATE_HZ, samples })
}

fn pipeline(path: &Path, sink: &gst_app::AppSink) -> Result<gst::Pipeline, PlayError> {
    let base = "gstreamer1.0-plugins-base";
    let source = element("filesrc", "libgstreamer1.0-0")?;
    source.set_property("location", path);
    let decoder = element("decodebin", base)?;
    let convert = element("audioconvert", base)?;
    let resample = element("audioresample", base)?;
    let pipeline = chain(&[&convert, &resample, sink.upcast_ref()])?;
    let broken = |e: gst::glib::BoolError| PlayError::Broken { reason: e.to_string() };
    pipeline.add_many([&source, &decoder]).map_err(broken)?;
    source.link(&decoder).map_err(broken)?;
    decoder.connect_pad_added(move |_, pad| {
        let is_audio = pad.current_caps().and_then(|c| Some(c.structure(0)?.name().starts_with("audio/")));
        if let (Some(true), Some(target)) = (is_audio, convert.static_pad("sink"))
            && !target.is_linked()
        {
            // A pad that does not link leaves the file without sound, which the caller reports.
            let _ = pad.link(&target);
        }
    });
    Ok(pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// Encodes 0.5 s of a tone at 44.1 kHz in stereo by a chain of GStreamer's own encoders.
    fn encoded(dir: &Path, name: &str, encoder: &str) -> std::path::PathBuf {
        gst::init().unwrap();
        let path = dir.join(name);
        let text = format!(
            "audiotestsrc num-buffers=50 samplesperbuffer=441 ! audio/x-raw,rate=44100,channels=2 ! audioconvert ! \
             {encoder} ! filesink name=out"
        );
        let pipeline = gst::parse::launch(&text).unwrap().downcast::<gst::Pipeline>().unwrap();
        pipeline.by_name("out").unwrap().set_property("location", &path);
        to_end(&pipeline, &Rendered::default(), &Limits::new(LIMIT, LIMIT)).unwrap();
        path
    }

    #[test]
    fn wav_and_ogg_come_out_with_their_length_and_sound() {
        let dir = tempfile::tempdir().unwrap();
        for (name, encoder) in
            [("a.wav", "wavenc"), ("a.ogg", "vorbisenc ! oggmux"), ("b.ogg", "audioresample ! opusenc ! oggmux")]
        {
            let path = encoded(dir.path(), name, encoder);
            let pcm = decode_file(&path, LIMIT).unwrap();
            let lasts_s = pcm.duration().as_secs_f64();
            assert!((lasts_s - 0.5).abs() < 0.05, "{name} lasts {lasts_s} s");
            assert!(pcm.samples.iter().filter(|s| s.unsigned_abs() > 5000).count() > pcm.samples.len() / 2, "{name}");
        }
    }

    #[test]
    fn missing_broken_and_silent_files_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        gst::init().unwrap();
        let missing = decode_file(&dir.path().join("gone.wav"), LIMIT).unwrap_err();
        assert!(
            matches!(&missing, PlayError::SoundFile(SoundFileError::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound)
        );
        assert!(matches!(decode_file(dir.path(), LIMIT), Err(PlayError::SoundFile(SoundFileError::Open { .. }))));

        let text = dir.path().join("text.wav");
        std::fs::write(&text, "this is no sound").unwrap();
        let whole = std::fs::read(encoded(dir.path(), "a.ogg", "vorbisenc ! oggmux")).unwrap();
        let cut = dir.path().join("cut.ogg");
        std::fs::write(&cut, &whole[..60]).unwrap();
        let empty = dir.path().join("empty.wav");
        std::fs::write(&empty, "").unwrap();
        let whole = std::fs::read(encoded(dir.path(), "a.wav", "wavenc")).unwrap();
        let half = dir.path().join("half.wav");
        std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
        let told = decode_file(&half, LIMIT).unwrap_err().to_string();
        assert!(told.contains("half.wav: it is cut off: its header states more sound than there is"), "{told}");
        for path in [text, cut, empty, half] {
            let error = decode_file(&path, LIMIT).unwrap_err();
            assert!(
                matches!(error, PlayError::SoundFile(SoundFileError::Decode { .. })),
                "{}: {error:?}",
                path.display()
            );
        }
    }
}
