//! The clips of a simulated camera, in memory, and their play-out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::mux::{SampleTime, sample_times};
use crate::replay::load_units;
use crate::{Codec, SimError};

struct Clip {
    caps: gst::Caps,
    buffers: Vec<(gst::Buffer, SampleTime)>,
    length_us: u64,
}

/// Clips that are played one after another.
pub(super) struct Feed {
    pub(super) codec: Codec,
    clips: Vec<Clip>,
    is_looped: bool,
}

impl Feed {
    pub(super) fn load(paths: &[PathBuf], is_looped: bool) -> Result<Self, SimError> {
        let clips = paths.iter().map(|path| load(path)).collect::<Result<Vec<_>, _>>()?;
        let codec = clips.first().and_then(|clip| Codec::of_caps(&clip.caps)).ok_or(SimError::NoClip)?;
        let odd_one = clips.iter().position(|clip| Codec::of_caps(&clip.caps) != Some(codec));
        if let Some(i) = odd_one {
            return Err(SimError::Codec { path: paths[i].display().to_string() });
        }
        Ok(Self { codec, clips, is_looped })
    }

    /// Feeds `appsrc` from the beginning, one access unit whenever it asks for more; the server's clock sets
    /// the pace.
    pub(super) fn serve(self: &Arc<Self>, appsrc: &gst_app::AppSrc, is_paused: Arc<AtomicBool>) {
        appsrc.set_caps(self.clips.first().map(|clip| &clip.caps));
        let feed = self.clone();
        let next = AtomicUsize::new(0);
        let need_data = move |appsrc: &gst_app::AppSrc, _: u32| {
            if is_paused.load(Ordering::SeqCst) {
                return;
            }
            let pushed = match feed.buffer(next.fetch_add(1, Ordering::SeqCst)) {
                Some((caps, buffer)) => appsrc.push_sample(&gst::Sample::builder().caps(caps).buffer(&buffer).build()),
                None => appsrc.end_of_stream(),
            };
            if let Err(error) = pushed {
                tracing::debug!(%error, "the simulated camera's media went away");
            }
        };
        appsrc.set_callbacks(gst_app::AppSrcCallbacks::builder().need_data(need_data).build());
    }

    /// The n-th access unit since the beginning, with times that grow on from clip to clip.
    fn buffer(&self, n: usize) -> Option<(&gst::Caps, gst::Buffer)> {
        let units_a_round: usize = self.clips.iter().map(|clip| clip.buffers.len()).sum();
        let length_of_round_us: u64 = self.clips.iter().map(|clip| clip.length_us).sum();
        let round = n.checked_div(units_a_round)?;
        if round > 0 && !self.is_looped {
            return None;
        }
        let mut at = n % units_a_round;
        let mut begins_us = length_of_round_us * round as u64;
        for clip in &self.clips {
            let Some((buffer, time)) = clip.buffers.get(at) else {
                at -= clip.buffers.len();
                begins_us += clip.length_us;
                continue;
            };
            return Some((&clip.caps, timed(buffer, *time, begins_us)));
        }
        None
    }
}

fn timed(buffer: &gst::Buffer, time: SampleTime, begins_us: u64) -> gst::Buffer {
    let mut buffer = buffer.copy();
    {
        let buffer = buffer.make_mut();
        buffer.set_pts(gst::ClockTime::from_useconds(begins_us + time.shown_us));
        buffer.set_dts(gst::ClockTime::from_useconds(begins_us + time.decoded_us));
        buffer.set_duration(gst::ClockTime::from_useconds(time.lasts_us));
    }
    buffer
}

fn load(path: &Path) -> Result<Clip, SimError> {
    let units = load_units(path)?;
    let first_key = units.iter().position(|unit| unit.is_key).unwrap_or(units.len());
    let units = &units[first_key..];
    let shown_us: Vec<i64> = units.iter().filter_map(|unit| unit.pts_ns).map(|ns| ns / 1000).collect();
    let Some(first) = units.first().filter(|_| shown_us.len() == units.len()) else {
        return Err(SimError::Codec { path: path.display().to_string() });
    };
    let times = sample_times(&shown_us);
    let length_us = times.iter().map(|time| time.lasts_us).sum();
    let buffers = units.iter().map(|unit| unit.buffer.clone()).zip(times).collect();
    Ok(Clip { caps: first.caps.clone(), buffers, length_us })
}
