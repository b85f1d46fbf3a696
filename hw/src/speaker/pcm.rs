//! Samples in memory: 16-bit mono, and the little of RIFF/WAVE that a speech program writes.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

/// Mono sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// Samples a second.
    pub rate_hz: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

/// Nobody hears what stays below this, 60 dB under the loudest.
const AUDIBLE: u16 = 33;

impl Pcm {
    /// Whether there is anything to be heard in it: a file of silence plays as well as any other.
    pub fn is_audible(&self) -> bool {
        self.samples.iter().any(|sample| sample.unsigned_abs() > AUDIBLE)
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        samples_to_duration(self.samples.len() as u64, self.rate_hz)
    }

    /// A WAV file of it.
    pub fn to_wav(&self) -> Vec<u8> {
        let length = (2 * self.samples.len()) as u32;
        let mut wav = Vec::with_capacity(length as usize + 44);
        wav.extend(b"RIFF");
        wav.extend((36 + length).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        wav.extend(self.rate_hz.to_le_bytes());
        wav.extend((2 * self.rate_hz).to_le_bytes());
        wav.extend(b"\x02\0\x10\0data");
        wav.extend(length.to_le_bytes());
        wav.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        wav
    }

    /// Reads a WAV of 16-bit PCM; two channels are averaged.
    ///
    /// A program that writes to a pipe cannot go back to fill in the lengths, and claims more than any file has: such a
    /// `data` chunk ends where the bytes end. One that claims less, and has not all of it, was cut off.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.get(0..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
            return Err("it does not begin with a RIFF/WAVE header");
        }
        let mut rest = &bytes[12..];
        let mut format: Option<(u16, u32)> = None;
        while let [a, b, c, d, l0, l1, l2, l3, body @ ..] = rest {
            let stated = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
            let chunk = &body[..stated.min(body.len())];
            match &[*a, *b, *c, *d] {
                b"fmt " => format = Some(parse_format(chunk)?),
                b"data" => {
                    let (channels, rate_hz) = format.ok_or("its data come before its format")?;
                    if is_cut_off(stated as u64, body.len() as u64) {
                        return Err(CUT_OFF);
                    }
                    return Ok(Self { rate_hz, samples: mix_down(chunk, channels) });
                }
                _ => {}
            }
            // Chunks are padded to an even length.
            rest = body.get(stated.saturating_add(stated & 1)..).unwrap_or_default();
        }
        Err("it has no data")
    }
}

/// What is said of a file that was cut off.
pub(super) const CUT_OFF: &str = "it is cut off: its header states more sound than there is";

/// Lengths from here on are claimed by programs that write to a pipe; a warning has not as many bytes.
const PIPED_BYTES: u64 = 0x7000_0000;

fn is_cut_off(stated: u64, there: u64) -> bool {
    stated < PIPED_BYTES && stated > there
}

/// Whether this is a WAV file that was cut off.
pub(super) fn is_wav_cut_off(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let mut head = [0; 12];
    file.rewind()?;
    if file.read_exact(&mut head).is_err() || !(head.starts_with(b"RIFF") && head.ends_with(b"WAVE")) {
        return Ok(false);
    }
    let mut at = 12;
    while at + 8 <= bytes {
        let mut chunk = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut chunk)?;
        let stated = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        if chunk.starts_with(b"data") {
            return Ok(is_cut_off(stated, bytes - at - 8));
        }
        at += 8 + stated + stated % 2;
    }
    Ok(false)
}

/// How long so many samples sound.
pub fn samples_to_duration(samples: u64, rate_hz: u32) -> Duration {
    Duration::from_nanos((u128::from(samples) * 1_000_000_000 / u128::from(rate_hz.max(1))) as u64)
}

fn parse_format(chunk: &[u8]) -> Result<(u16, u32), &'static str> {
    let u16_at = |i: usize| chunk.get(i..i + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let rate_hz = chunk.get(4..8).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    match (u16_at(0), u16_at(2), rate_hz, u16_at(14)) {
        (Some(1), Some(channels @ 1..=2), Some(rate @ 4000..=192_000), Some(16)) => Ok((channels, rate)),
        (Some(_), Some(_), Some(_), Some(_)) => Err("it is not 16-bit PCM with one or two channels"),
        _ => Err("its format chunk is cut off"),
    }
}

fn mix_down(data: &[u8], channels: u16) -> Vec<i16> {
    let samples = data.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
    if channels == 1 {
        return samples.collect();
    }
    let samples: Vec<i16> = samples.collect();
    samples.chunks_exact(2).map(|pair| i16::midpoint(pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(channels: u16, stated_len: u32, data: &[u8]) -> Vec<u8> {
        let mut out = b"RIFF\x24\xf0\xff\x7fWAVE".to_vec();
        out.extend(b"LIST\x03\0\0\0abc\0");
        out.extend(b"fmt \x10\0\0\0\x01\0");
        out.extend(channels.to_le_bytes());
        out.extend(22_050_u32.to_le_bytes());
        out.extend((22_050 * 2 * u32::from(channels)).to_le_bytes());
        out.extend((2 * channels).to_le_bytes());
        out.extend(16_u16.to_le_bytes());
        out.extend(b"data");
        out.extend(stated_len.to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn a_piped_wav_ends_where_its_bytes_end() {
        let pcm = Pcm::from_wav(&wav(1, 0x7fff_f000, &[1, 0, 0xff, 0xff, 9])).unwrap();
        assert_eq!(pcm, Pcm { rate_hz: 22_050, samples: vec![1, -1] });
    }

    #[test]
    fn a_wav_that_was_cut_off_is_told_from_one_that_was_piped() {
        let whole = wav(1, 6, &[1, 0, 2, 0, 3, 0]);
        let is_cut = |bytes: &[u8]| is_wav_cut_off(&mut io::Cursor::new(bytes)).unwrap();
        assert!(Pcm::from_wav(&whole).is_ok() && !is_cut(&whole));
        for missing in 1..6 {
            let cut = &whole[..whole.len() - missing];
            assert_eq!((Pcm::from_wav(cut), is_cut(cut)), (Err(CUT_OFF), true), "{missing}");
        }
        assert!(!is_cut(&wav(1, 0xffff_ffff, &[1, 0])) && !is_cut(b"OggS") && !is_cut(&whole[..20]));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let pcm = Pcm { rate_hz: 22_050, samples: vec![1, -2, i16::MAX, i16::MIN] };
        assert_eq!(Pcm::from_wav(&pcm.to_wav()), Ok(pcm));
    }

    #[test]
    fn stereo_is_averaged_and_trailing_chunks_are_left_out() {
        let pcm = Pcm::from_wav(&wav(2, 4, &[10, 0, 20, 0, 99, 99])).unwrap();
        assert_eq!(pcm.samples, [15]);
    }

    #[test]
    fn every_cut_of_the_header_is_an_error_and_not_a_panic() {
        let whole = wav(1, 2, &[5, 0]);
        for cut in 0..whole.len() - 10 {
            assert!(Pcm::from_wav(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(Pcm::from_wav(&wav(3, 2, &[5, 0])).is_err());
    }

    #[test]
    fn durations_count_samples() {
        assert_eq!(samples_to_duration(160, 8000), Duration::from_millis(20));
        assert_eq!(samples_to_duration(22_050 * 3600, 22_050), Duration::from_hours(1));
    }
}
