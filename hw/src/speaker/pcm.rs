//! Samples in memory: 16-bit mono, and the little of RIFF/WAVE that a speech program writes.

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
    /// A program that writes to a pipe cannot go back to fill in the lengths, so a `data` chunk that claims more
    /// than there is ends where the bytes end.
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
