//! All access units of a file, without decoding.

use std::path::Path;

use forewarn_domain::StreamId;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use super::config::{ReplayConfig, ReplayError};
use super::intray::{Intray, Item, options, posted_error};
use super::{GIVE_UP_AFTER, LOOK_EVERY};
use crate::ingest::{self, IngestOptions, RawUnit};
use crate::mux::Running;
use crate::{SourceUrl, StreamFault};

/// From one picture to the next where nothing states it.
const UNSTATED_NS: i64 = 40_000_000;

/// All access units of a file, in decoding order, without decoding any.
pub(crate) fn load_units(path: &Path) -> Result<Vec<RawUnit>, ReplayError> {
    let shown = path.display().to_string();
    forewarn_base::file::open(path).map_err(|source| ReplayError::Open { path: shown.clone(), source })?;
    let (intray, receiver) = Intray::new();
    let play = |fault| ReplayError::Play { path: shown.clone(), fault };
    let stream = StreamId::new("units").map_err(|e| play(StreamFault::other(e)))?;
    let options =
        IngestOptions { is_decoded: false, is_any_codec_accepted: false, ..options(&ReplayConfig::new(stream)) };
    let pipeline = Running(ingest::open(&SourceUrl::file(path), options, intray.clone()).map_err(play)?);
    let _ = pipeline.0.set_state(gst::State::Playing);
    let watch = Stopwatch::start();
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(Item::Fault(fault)) => return Err(play(fault)),
            Ok(Item::End) => break,
            _ => {}
        }
        if let Some(fault) = posted_error(&pipeline.0, &intray, path) {
            return Err(play(fault));
        }
        if watch.elapsed() > GIVE_UP_AFTER {
            return Err(play(StreamFault::Stalled { after_s: GIVE_UP_AFTER.as_secs() }));
        }
    }
    let mut units = std::mem::take(&mut *intray.units());
    for unit in &mut units {
        // Where nothing is stated, as of raw streams, pictures come evenly.
        unit.pts_ns = unit.pts_ns.or(unit.dts_ns).or(Some(unit.count * UNSTATED_NS));
    }
    Ok(units.into())
}
