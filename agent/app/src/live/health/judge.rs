//! How each part fares, by what it writes up and what is counted of it.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_console::words::{self, KEEPING, to_do_of};
use forewarn_console::{PartNow, PartState};
use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::power::Care;
use forewarn_pipelines::footage::FootageNow;
use forewarn_pipelines::{Away, StreamStatsSnapshot};
use forewarn_report::UpstreamStats;

use super::{Memory, Sources};
use crate::live::board::{Down, Notices, SpeakerNotice};

/// So many announcements in a row that failed are a trouble; one may be chance.
const FAILED_IN_ROW: u32 = 2;
/// So many frames in a row at which the models failed are a trouble.
const FRAMES_IN_ROW: u64 = 3;
/// A decoder that is given pictures and gives none for so long does not work.
const DECODER_SILENT: Duration = Duration::from_mins(1);
/// A decoder that is given nothing for so long owes nothing.
const STARVES: Duration = Duration::from_secs(15);
/// Reports that wait for longer are told.
const REPORT_OLD: Duration = Duration::from_mins(10);
/// Reports that wait are sent at once where there is a connection.
const IDLE: Duration = Duration::from_mins(2);
/// Pictures that come are on the disk within some seconds.
const NO_FOOTAGE: Duration = Duration::from_secs(30);
/// The incident loop turns twice a second.
const LOOP_STANDS: Duration = Duration::from_secs(15);

/// When each decoder last gave a picture, and was last given one.
#[derive(Debug, Default)]
pub(super) struct Decoders(BTreeMap<StreamId, Decoder>);

#[derive(Debug)]
struct Decoder {
    frames: (u64, Timestamp),
    units: (u64, Timestamp),
    /// Key pictures until then.
    keys: u64,
}

impl Decoders {
    /// For how long the stream's decoder has given nothing though it is given pictures, and one among them with which it
    /// can begin.
    fn silent_for(&mut self, stream: &StreamId, stats: &StreamStatsSnapshot, now: Timestamp) -> Option<Duration> {
        let StreamStatsSnapshot { frames_decoded: frames, units_in: units, keys_in: keys, .. } = *stats;
        let known = Decoder { frames: (frames, now), units: (units, now), keys };
        let decoder = self.0.entry(stream.clone()).or_insert(known);
        let is_fed_anew = decoder.units.0 != units && now.since(decoder.units.1) >= STARVES;
        if decoder.frames.0 != frames || is_fed_anew {
            (decoder.frames, decoder.keys) = ((frames, now), keys);
        }
        if decoder.units.0 != units {
            decoder.units = (units, now);
        }
        let is_fed = now.since(decoder.units.1) < STARVES && keys != decoder.keys;
        let silent = now.since(decoder.frames.1);
        (is_fed && silent >= DECODER_SILENT).then_some(silent)
    }
}

/// Since when nothing has been sent to each upstream though reports wait for it.
#[derive(Debug, Default)]
pub(super) struct Idlers(BTreeMap<String, (u64, Timestamp)>);

impl Idlers {
    /// For how long nothing has been on its way to a connected upstream for which reports wait, where that is too long.
    fn idle_for(&mut self, name: &str, stats: &UpstreamStats, now: Timestamp) -> Option<Duration> {
        let is_idle = stats.connected_since.is_some() && stats.depth_messages > 0 && stats.in_flight == 0;
        let is_idle = is_idle && !stats.is_resting;
        if !is_idle {
            self.0.remove(name);
            return None;
        }
        let (sent, since) = self.0.entry(name.to_owned()).or_insert((stats.sent, now));
        if *sent != stats.sent {
            (*sent, *since) = (stats.sent, now);
        }
        Some(now.since(*since)).filter(|idle| *idle >= IDLE)
    }
}

/// Every part but the disk.
pub(super) fn all(sources: &Sources, memory: &mut Memory, now: Timestamp) -> Vec<PartNow> {
    let mut parts = Vec::new();
    let notices = sources.board.lock();
    let snapshots = sources.streams.snapshots();
    memory.decoders.0.retain(|id, _| snapshots.iter().any(|(there, _)| there == id));
    for (id, stats) in snapshots {
        let camera = camera(&notices, &id, stats.connections, stats.frames_decoded);
        let silent = memory.decoders.silent_for(&id, &stats, now);
        // A camera that is away is told once; its decoder has nothing to do.
        if camera.state == PartState::Ok {
            parts.push(decoder(&notices, &id, silent));
        }
        parts.push(camera);
    }
    if notices.cameras.is_empty() {
        parts.push(PartNow::warning("cameras", words::NO_CAMERA, words::ADD_A_CAMERA));
    }
    parts.extend(notices.named_speakers.iter().map(|id| speaker(id.as_str(), notices.speakers.get(id))));
    parts.push(speech(&notices));
    for id in &notices.named_sensors {
        let part = format!("sensor {id}");
        parts.push(match notices.unread.get(id) {
            Some(why) => PartNow::trouble(part, words::trouble(why), words::LOOK_AT_SENSOR),
            None => PartNow::ok(part, words::IS_READ),
        });
    }
    for (id, kept) in sources.streams.footage().0 {
        parts.push(footage(&id, &kept, notices.down.contains_key(&id), now));
    }
    parts.extend(keeping(&notices, sources, now));
    parts.push(decisions(&notices, now));
    drop(notices);
    parts.push(model(sources.vitals.failures(), sources.vitals.shortfall()));
    parts.push(budget(sources.vitals.is_budget_short()));
    parts.extend(sources.power.care().map(power));
    parts.extend(recipients(sources, &mut memory.idlers, now));
    parts
}

fn camera(notices: &Notices, id: &StreamId, connections: u64, frames: u64) -> PartNow {
    let part = format!("camera {id}");
    let to_do = words::LOOK_AT_CAMERA;
    match notices.down.get(id) {
        Some(Down::Ended) => PartNow::trouble(part, words::PLAYED_TO_END, words::NAME_A_CAMERA),
        Some(Down::Because(why)) => PartNow::trouble(part, words::away(why), to_do),
        None if connections == 0 => PartNow::trouble(part, words::NEVER_CONNECTED, to_do),
        None if let Some(away) = notices.halved.get(id) => match away {
            Away::Kept { .. } => PartNow::trouble(part, words::away(away), to_do),
            Away::Watched { .. } => PartNow::warning(part, words::away(away), to_do),
        },
        None => PartNow::ok(part, words::frames(frames)),
    }
}

fn footage(id: &StreamId, kept: &FootageNow, is_down: bool, now: Timestamp) -> PartNow {
    let part = format!("footage {id}");
    // A camera that is away is told once.
    let silent = kept.kept_until.map(|until| now.since(until)).filter(|silent| *silent >= NO_FOOTAGE && !is_down);
    match (&kept.failing, silent) {
        (Some(why), _) => PartNow::trouble(part, words::trouble(why), words::LOOK_AT_FOOTAGE),
        (None, Some(silent)) => PartNow::trouble(part, words::no_footage(silent.as_secs()), words::LOOK_AT_FOOTAGE),
        (None, None) => {
            let (gaps, gap_ms) = (kept.counts.gaps.iter().sum::<u32>(), kept.counts.gap_ms.iter().sum::<u64>());
            PartNow::ok(part, words::footage(kept.counts.kept_ms / 1000, gaps, gap_ms / 1000))
        }
    }
}

fn decoder(notices: &Notices, id: &StreamId, silent: Option<Duration>) -> PartNow {
    let part = format!("decoder {id}");
    if let Some(silent) = silent {
        return PartNow::trouble(part, words::gives_none(silent.as_secs()), words::ANOTHER_DECODER);
    }
    match notices.degraded.get(id) {
        Some(why) => PartNow::warning(part, words::trouble(why), words::UNTIL_RESTART),
        None => PartNow::ok(part, words::WORKS),
    }
}

fn speaker(id: &str, notice: Option<&SpeakerNotice>) -> PartNow {
    let part = format!("speaker {id}");
    let to_do = words::LOOK_AT_SPEAKER;
    match notice {
        None => PartNow::ok(part, words::SILENT_SO_FAR),
        Some(SpeakerNotice { failed_in_row: 0, last, .. }) => PartNow::ok(part, words::last_announcement(last, true)),
        Some(SpeakerNotice { failed_in_row, last, .. }) if *failed_in_row < FAILED_IN_ROW => {
            PartNow::warning(part, words::last_announcement(last, false), to_do)
        }
        Some(SpeakerNotice { failed_in_row, last, .. }) => {
            PartNow::trouble(part, words::announcements_failed(*failed_in_row, last), to_do)
        }
    }
}

fn speech(notices: &Notices) -> PartNow {
    let to_do = words::LOOK_AT_SPEECH;
    let failing = notices.speakers.values().filter(|notice| notice.speech_failed_in_row > 0);
    match failing.max_by_key(|notice| notice.speech_failed_in_row) {
        Some(worst) if worst.speech_failed_in_row >= FAILED_IN_ROW => {
            PartNow::trouble("speech", words::speech_fails(&worst.last), to_do)
        }
        Some(worst) => PartNow::warning("speech", words::speech_fails(&worst.last), to_do),
        None => PartNow::ok("speech", words::IS_SPOKEN),
    }
}

/// Outbox, evidence, clock, and whatever else writes up that it cannot keep something.
fn keeping(notices: &Notices, sources: &Sources, now: Timestamp) -> Vec<PartNow> {
    let mut parts = Vec::new();
    for (name, part, to_do) in KEEPING {
        parts.push(match notices.failing.get(name) {
            Some(why) => PartNow::trouble(part, words::trouble(why), to_do),
            None if name == "reports" => outbox(sources, now),
            None => PartNow::ok(part, if name == "clock" { words::CLOCK_RUNS } else { words::IS_KEPT }),
        });
    }
    let others = notices
        .failing
        .iter()
        .chain(&notices.closed)
        .filter(|(name, _)| KEEPING.iter().all(|(known, ..)| known != *name));
    parts.extend(others.map(|(name, why)| PartNow::trouble(*name, words::trouble(why), to_do_of(name))));
    parts
}

fn outbox(sources: &Sources, now: Timestamp) -> PartNow {
    let waiting = sources.outbox.depth().messages;
    let Some(oldest) = oldest_report(sources) else { return PartNow::ok("outbox", words::reports_wait(waiting, None)) };
    let age = now.since(oldest);
    let what = words::reports_wait(waiting, Some(age.as_secs()));
    if age < REPORT_OLD {
        return PartNow::ok("outbox", what);
    }
    PartNow::warning("outbox", what, words::LOOK_AT_UPSTREAMS)
}

/// When the oldest report happened that some upstream has not acknowledged.
pub(super) fn oldest_report(sources: &Sources) -> Option<Timestamp> {
    sources.upstreams.stats().values().filter_map(|stats| stats.oldest_unacknowledged_at).min()
}

fn recipients(sources: &Sources, idlers: &mut Idlers, now: Timestamp) -> Vec<PartNow> {
    let of = |(name, stats): (String, UpstreamStats)| {
        let part = format!("upstream {name}");
        let idle = idlers.idle_for(&name, &stats, now);
        match stats.trouble(now) {
            None if let Some(idle) = idle => {
                let what = words::none_sent(stats.depth_messages, idle.as_secs());
                PartNow::trouble(part, what, words::RESTART)
            }
            Some(why) => PartNow::trouble(part, words::trouble(why), words::REPORTS_WAIT),
            None if stats.pictures.are_held_back => {
                PartNow::warning(part, words::pictures_wait(stats.pictures.waiting), words::RAISE_THIN)
            }
            None if stats.files.are_held_back => {
                let what = words::files_wait(stats.files.waiting, stats.files.waiting_bytes >> 20);
                PartNow::warning(part, what, words::RAISE_THIN)
            }
            None => PartNow::ok(part, words::acknowledged(stats.acknowledged)),
        }
    };
    sources.upstreams.stats().into_iter().map(of).collect()
}

fn decisions(notices: &Notices, now: Timestamp) -> PartNow {
    match notices.turned_at.map(|at| now.since(at)).filter(|stands| *stands >= LOOP_STANDS) {
        Some(stands) => PartNow::trouble("decisions", words::undecided(stands.as_secs()), words::RESTART),
        None => PartNow::ok("decisions", words::IS_DECIDED),
    }
}

fn model((failed, why): (u64, String), shortfall: Option<String>) -> PartNow {
    let to_do = words::LOOK_AT_MODEL;
    match (failed, shortfall) {
        (0, Some(what)) => PartNow::warning("model", words::trouble(what), words::LOOK_AT_PROVIDER),
        (0, None) => PartNow::ok("model", words::LOOKS),
        (n, _) if n < FRAMES_IN_ROW => PartNow::warning("model", words::trouble(why), to_do),
        (n, _) => PartNow::trouble("model", words::model_fails(n, why), to_do),
    }
}

fn budget(is_short: bool) -> PartNow {
    if !is_short {
        return PartNow::ok("budget", words::SUFFICES);
    }
    PartNow::warning("budget", words::IS_SHORT, words::RAISE_BUDGET)
}

fn power((care, why): (Care, String)) -> PartNow {
    match care {
        Care::None => PartNow::ok("power", words::NO_CARE),
        care => PartNow::warning("power", words::eased(why, (care.share() * 100.0) as u32), words::COOL_OR_CHARGE),
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{AnnounceOutcome, FailureKind, Proof, Receipt, SpeakerId};
    use forewarn_pipelines::StreamFault;

    use super::*;
    use crate::live::board::Board;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    #[test]
    fn a_loudspeaker_that_fails_again_and_again_is_a_trouble_and_one_that_plays_is_well() {
        let (board, horn) = (Board::default(), SpeakerId::new("horn").unwrap());
        let failed = |kind| AnnounceOutcome::Failed { kind, reason: "it hangs".to_owned() };
        let played = AnnounceOutcome::Played {
            duration: Duration::from_secs(2),
            proof: Proof::Rendered,
            receipt: Receipt::default(),
        };
        let state = || speaker("horn", board.lock().speakers.get(&horn)).state;
        let spoken = || speech(&board.lock()).state;
        assert_eq!((state(), spoken()), (PartState::Ok, PartState::Ok), "nothing was announced yet");
        board.announced(&horn, &failed(FailureKind::Speech));
        assert_eq!((state(), spoken()), (PartState::Warning, PartState::Warning), "one may be chance");
        board.announced(&horn, &failed(FailureKind::Speech));
        assert_eq!((state(), spoken()), (PartState::Trouble, PartState::Trouble));
        board.announced(&horn, &failed(FailureKind::Unreachable));
        assert_eq!((state(), spoken()), (PartState::Trouble, PartState::Ok), "it came as far as the device");
        let told = speaker("horn", board.lock().speakers.get(&horn)).what.en;
        assert!(told.contains("the last 3") && told.contains("unreachable") && told.contains("it hangs"), "{told}");
        board.announced(&horn, &failed(FailureKind::Stopped));
        board.announced(&horn, &played);
        assert_eq!((state(), spoken()), (PartState::Ok, PartState::Ok));
    }

    #[test]
    fn a_decoder_that_is_fed_and_silent_is_told_and_one_that_starves_is_not() {
        let (mut decoders, gate) = (Decoders::default(), StreamId::new("gate").unwrap());
        let mut silent = |second: u32, frames_decoded: u64, units_in: u64, keys_in: u64| {
            let stats = StreamStatsSnapshot { frames_decoded, units_in, keys_in, ..StreamStatsSnapshot::default() };
            decoders.silent_for(&gate, &stats, at(f64::from(second))).map(|silent| silent.as_secs())
        };
        assert_eq!(silent(0, 0, 0, 0), None);
        assert_eq!((1..60).find_map(|second| silent(second, 0, u64::from(second), 1)), None);
        assert_eq!(silent(60, 0, 60, 1), Some(60));
        assert_eq!(silent(61, 1, 61, 1), None, "a picture");
        assert_eq!((62..200).find_map(|second| silent(second, 1, 61, 1)), None, "nothing comes to be decoded");
        let waiting = (200..400).find_map(|second| silent(second, 1, u64::from(second), 1));
        assert_eq!(waiting, None, "the camera is back and its next key picture far away");
        assert_eq!(silent(400, 1, 400, 2), Some(200), "the key picture is there and nothing comes of it");
    }

    #[test]
    fn reports_that_wait_while_nothing_is_sent_are_told() {
        let mut idlers = Idlers::default();
        let mut idle = |second: u32, depth_messages: u64, in_flight: u32, sent: u64| {
            let connected_since = Some(at(0.0));
            let stats = UpstreamStats { connected_since, depth_messages, in_flight, sent, ..UpstreamStats::default() };
            idlers.idle_for("mqtt", &stats, at(f64::from(second))).map(|idle| idle.as_secs())
        };
        assert_eq!((0..600).find_map(|second| idle(second, 0, 0, 9)), None, "nothing waits");
        assert_eq!((600..1200).find_map(|second| idle(second, 3, 1, 9)), None, "one is on its way");
        assert_eq!((1200..1320).find_map(|second| idle(second, 3, 0, 9)), None);
        assert_eq!(idle(1320, 3, 0, 9), Some(120));
        assert_eq!(idle(1321, 3, 0, 10), None, "one was sent");
        assert_eq!(idle(1441, 3, 0, 10), Some(120));
    }

    #[test]
    fn a_file_that_was_played_to_its_end_has_no_cable() {
        let (mut notices, gate) = (Notices::default(), StreamId::new("gate").unwrap());
        notices.down.insert(gate.clone(), Down::Ended);
        let told = camera(&notices, &gate, 1, 50);
        assert!(told.state == PartState::Trouble && told.to_do.en.contains("`forewarn replay`"), "{told:?}");
    }

    #[test]
    fn half_a_camera_is_told_and_what_it_means() {
        let (mut notices, gate) = (Notices::default(), StreamId::new("gate").unwrap());
        let mut half = |away: Away| {
            notices.halved.insert(gate.clone(), away);
            camera(&notices, &gate, 2, 100)
        };
        let watched = half(Away::Watched { reason: StreamFault::EndOfStream });
        assert!(watched.state == PartState::Warning && watched.what.en.contains("costs more"), "{watched:?}");
        let kept = half(Away::Kept { reason: StreamFault::EndOfStream });
        assert!(kept.state == PartState::Trouble && kept.what.en.contains("no clips are kept"), "{kept:?}");
    }

    #[test]
    fn decisions_that_stand_still_are_told() {
        let mut notices = Notices::default();
        assert_eq!(decisions(&notices, at(100.0)).state, PartState::Ok, "the loop has not begun");
        notices.turned_at = Some(at(100.0));
        assert_eq!(decisions(&notices, at(110.0)).state, PartState::Ok);
        assert_eq!(decisions(&notices, at(115.0)).state, PartState::Trouble);
    }

    #[test]
    fn models_that_fail_frame_after_frame_are_told() {
        assert_eq!(
            [0, 1, 3].map(|n| model((n, "out of memory".to_owned()), None).state),
            [PartState::Ok, PartState::Warning, PartState::Trouble]
        );
        let on_cpu = |n| model((n, "out of memory".to_owned()), Some("it runs on the CPU: no such device".to_owned()));
        assert_eq!([0, 3].map(|n| on_cpu(n).state), [PartState::Warning, PartState::Trouble]);
        assert!(on_cpu(0).what.en.contains("no such device") && on_cpu(0).to_do.en.contains("`[model] provider`"));
        assert_eq!([false, true].map(|is_short| budget(is_short).state), [PartState::Ok, PartState::Warning]);
    }
}
