//! Bundles that are copied with something hidden, and what is left of it in the pixels.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::fs;
use std::path::Path;

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    BBox, Cause, Class, Frame, IncidentId, IncidentRecord, IncidentState, Moment, Reckoning, RuleKey, StreamId,
    Subject, SubjectId, Timestamp, Transition, ViolationId, WallTime, ZoneId,
};
use forewarn_evidence::{
    ClipFacts, EvidenceStore, Limits, Original, Overlay, Signing, StoreOptions, TimeLine, Trusted, verify, verify_any,
};
use forewarn_models::image_frame;
use forewarn_veil::{Made, What, export, preview};
use scene::{FRAMES, SIDE_PX, SIZE, Scripted, decoded, face_at, film, film_h265, picture};

const T0: Timestamp = Timestamp::from_micros(1_769_839_387_250_000);

fn made() -> Made {
    Made { agent_version: "0.1.0".to_owned(), at: WallTime::from_micros(T0.as_micros()) }
}

/// A sealed bundle with a snapshot and a clip with sound; the subject is the face of the scene.
fn bundle(root: &Path) -> std::path::PathBuf {
    let clip = root.join("clip.mp4");
    film(&clip);
    bundle_of(root, &clip, ("h264", SIZE, FRAMES))
}

fn store_in(root: &Path) -> EvidenceStore {
    let options = StoreOptions {
        limits: Limits { min_free_bytes: 0, ..Limits::default() },
        time_line: TimeLine::WallClock,
        agent_version: "0.1.0".to_owned(),
    };
    let signing = Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None };
    EvidenceStore::new(root.join("evidence"), options).signed_by(signing)
}

/// A sealed bundle with a snapshot and a clip of 4 s, of which its coding, size and number of frames are told.
fn bundle_of(root: &Path, clip: &Path, of: (&str, (u32, u32), usize)) -> std::path::PathBuf {
    let store = store_in(root);
    sealed(&store, &store, clip, of)
}

/// Seals a bundle whose snapshot one store adds, and whose clip another one of the same folder.
fn sealed(
    store: &EvidenceStore,
    of_clips: &EvidenceStore,
    clip: &Path,
    (codec, (width, height), frames): (&str, (u32, u32), usize),
) -> std::path::PathBuf {
    store.prepare().unwrap();
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("loitering").unwrap());
    let at = |s: i64| Timestamp::from_micros(T0.as_micros() + s * 1_000_000);
    let step = |(state, s, cause)| Transition::new(state, at(s), cause);
    let history = [
        (IncidentState::Suspected, 0, Cause::ConditionHeld),
        (IncidentState::Confirmed, 1, Cause::HeldLongEnough),
        (IncidentState::Closed, 5, Cause::Settled),
    ];
    let incident = IncidentRecord {
        id: IncidentId::compose(&stream, &violation, T0, ClockReading::default(), SubjectId(1)),
        rule: RuleKey { stream, violation, zone: ZoneId::new("yard").unwrap() },
        state: IncidentState::Closed,
        history: history.map(step).to_vec(),
        subject: Subject { class: Class::new("person"), track: None, count: 1, bbox: face_at(25), fix: None },
        warnings_played: 0,
        warning_not_delivered: false,
        said: None,
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    };
    let overlay =
        Overlay { title: "Loitering".to_owned(), bbox: Some(face_at(25)), zone: None, time: "now".to_owned() };
    store.add_snapshot(&incident, Moment::Confirmed, &picture(25, at(1)), &overlay).unwrap();
    let (moment, codec, access_units) = (Moment::Confirmed, codec.to_owned(), frames as u64);
    let facts = ClipFacts { moment, from: at(0), to: at(4), codec, width, height, access_units, sights: None };
    of_clips.add_clip(&incident, "Loitering", "confirmed", clip, &facts).unwrap();
    store.seal(&incident, "Loitering", at(6)).unwrap().path
}

/// How many of the neighbouring pixels in a box differ much: what is recognised is told by such edges.
fn detail(frame: &Frame, bbox: &BBox) -> f64 {
    let (luma, stride) = frame.plane(0);
    let (mut edges, mut all) = (0, 0);
    for y in bbox.y0 as usize..bbox.y1 as usize {
        for x in bbox.x0 as usize..bbox.x1 as usize - 1 {
            all += 1;
            edges += u32::from(luma[y * stride + x].abs_diff(luma[y * stride + x + 1]) > 24);
        }
    }
    f64::from(edges) / f64::from(all)
}

/// Mean difference of the pixels that lie well away from a box.
fn change_away_from(a: &Frame, b: &Frame, bbox: &BBox) -> f64 {
    let ((one, stride), (other, other_stride)) = (a.plane(0), b.plane(0));
    let (mut sum, mut all) = (0.0, 0.0);
    for y in 0..a.height as usize {
        for x in (0..a.width as usize).filter(|&x| (x as f32) < bbox.x0 - 60.0 || (x as f32) > bbox.x1 + 60.0) {
            sum += f64::from(one[y * stride + x].abs_diff(other[y * other_stride + x]));
            all += 1.0;
        }
    }
    sum / all
}

#[test]
fn a_face_is_gone_from_every_frame_although_looks_miss_it_and_the_rest_and_only_the_rest_stays() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path());
    let out = root.path().join("copy");
    let original = Original::open(&bundle).unwrap();
    // Four looks in a row miss it: nearly a second.
    let mut sight = Scripted::new(What::Faces, |frame| !(30..55).contains(&frame));
    let done = export(&original, &out, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap();
    assert_eq!((done.clips, done.frames, done.photos), (1, FRAMES as u64, 2));
    assert!((15..30).contains(&sight.looks), "{} looks at {FRAMES} frames", sight.looks);

    let (before, after) = (decoded(&bundle.join("confirmed.mp4")), decoded(&out.join("confirmed.mp4")));
    assert_eq!((before.len(), after.len()), (FRAMES, FRAMES));
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before.meta.captured_at, after.meta.captured_at, "frame {number} is shown when it was");
        let face = face_at(number);
        assert!(detail(before, &face) > 0.3, "frame {number}: the scene has a face: {}", detail(before, &face));
        assert!(detail(after, &face) < 0.06, "frame {number}: of the face is left {}", detail(after, &face));
        let change = change_away_from(before, after, &face);
        assert!(change < 4.0, "frame {number}: elsewhere it is as it was: {change}");
    }
    let has_sound = |path: &Path| fs::read(path).unwrap().windows(4).any(|word| word == b"soun");
    assert!(has_sound(&bundle.join("confirmed.mp4")) && !has_sound(&out.join("confirmed.mp4")));
    for name in ["confirmed.jpg", "confirmed-marked.jpg"] {
        let (before, after) = (image_frame(&bundle.join(name)).unwrap(), image_frame(&out.join(name)).unwrap());
        assert_eq!((before.width, before.height), (after.width, after.height));
        let green = |frame: &Frame| {
            let b = face_at(25);
            let pixels = (b.y0 as u32 + 4..b.y1 as u32 - 4)
                .flat_map(|y| (b.x0 as u32 + 4..b.x1 as u32 - 5).map(move |x| (x, y)));
            pixels.filter(|&(x, y)| frame.rgb_at(x, y)[1].abs_diff(frame.rgb_at(x + 1, y)[1]) > 24).count()
        };
        assert!(
            green(&before) > 500 && green(&after) < green(&before) / 6,
            "{name}: {} {}",
            green(&before),
            green(&after)
        );
    }
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let original = Original::open(&bundle(root.path())).unwrap();
    let copies = ["a", "b"].map(|name| {
        let out = root.path().join(name);
        let mut sight = Scripted::new(What::Faces, |_| true);
        export(&original, &out, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap();
        fs::read(out.join("redacted.json")).unwrap()
    });
    assert_eq!(copies[0], copies[1], "the paper has the hashes of all");
}

#[test]
fn the_subject_is_shown_where_it_is_known_and_nobody_is_where_it_is_not() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path());
    let original = Original::open(&bundle).unwrap();
    let (alone, not_found) = (root.path().join("alone"), root.path().join("none"));
    let mut sight = Scripted::new(What::PersonsButSubject, |_| true);
    export(&original, &alone, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap();
    // Somebody else is there whom nothing tells from the subject, which is not seen when the snapshot was taken.
    let mut sight = Scripted::new(What::PersonsButSubject, |frame| frame > 60);
    export(&original, &not_found, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap();
    let left = |out: &Path, number: usize| detail(&decoded(&out.join("confirmed.mp4"))[number], &face_at(number));
    assert!(left(&alone, 0) > 0.3 && left(&alone, 50) > 0.3 && left(&alone, FRAMES - 1) > 0.3);
    assert!(left(&not_found, 70) < 0.06);
    let told = |out: &Path| verify_any(out, None).unwrap().to_string();
    assert!(!told(&alone).contains("could not be told apart"), "{}", told(&alone));
    assert!(told(&not_found).contains("confirmed.mp4: the subject could not be told apart"), "{}", told(&not_found));
}

#[test]
fn a_copy_says_what_it_is_and_every_change_of_it_is_found() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path());
    let signing = Signing { keys: root.path().join("keys"), site: "riverside".to_owned(), token: None };
    let signer = signing.load_or_make().unwrap();
    let original = Original::open(&bundle).unwrap();
    let out = root.path().join("copy");
    let mut sight = Scripted::new(What::Faces, |_| true);
    export(&original, &out, &mut sight, (made(), Some(&signer)), &mut |_, _, _| {}).unwrap();
    let trusted = Trusted::read(&[root.path().join("keys/authority.pem")], &[]).unwrap();
    let found = verify_any(&out, Some(&trusted)).unwrap();
    assert!(found.holds() && !found.is_intact(), "{found}");
    let (said, sha256) = (found.to_string(), verify(&bundle).unwrap().manifest_sha256);
    assert!(said.starts_with("redacted copy of gate-loitering-") && !said.contains("intact"), "{said}");
    assert!(
        said.contains(&sha256) && said.contains("scripted, sha256 00ff") && said.contains("vouches for it"),
        "{said}"
    );
    assert!(found.to_json().get("intact").is_none());
    assert!(verify(&out).is_err(), "it is no bundle");
    assert!(export(&original, &out, &mut sight, (made(), None), &mut |_, _, _| {}).is_err(), "it is there already");

    let breaks = |what: &str| {
        let found = verify_any(&out, Some(&trusted));
        assert!(found.is_err() || found.is_ok_and(|found| !found.holds()), "{what}");
    };
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 23 + 1) {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            fs::write(&path, altered).unwrap();
            breaks(&format!("{}: byte {at}", path.display()));
        }
        fs::remove_file(&path).unwrap();
        breaks(&format!("{}: gone", path.display()));
        fs::write(&path, &bytes).unwrap();
    }
    for extra in ["more.jpg", "manifest.json"] {
        fs::write(out.join(extra), b"{}").unwrap();
        breaks(extra);
        fs::remove_file(out.join(extra)).unwrap();
    }
    assert!(verify_any(&out, Some(&trusted)).unwrap().holds());
    // Of what was changed no copy is made.
    fs::write(bundle.join("confirmed.jpg"), b"other").unwrap();
    let error = Original::open(&bundle).unwrap_err().to_string();
    assert!(error.contains("not what was sealed: confirmed.jpg: changed"), "{error}");
}

#[test]
fn a_faithful_copy_verifies_as_the_bundle_does() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path());
    let out = root.path().join("copy");
    Original::open(&bundle).unwrap().copy_to(&out).unwrap();
    assert_eq!(verify(&out).unwrap().to_string(), verify(&bundle).unwrap().to_string());
    assert!(Original::open(&out).unwrap().copy_to(&bundle).is_err(), "nothing is written over");
    let width = decoded(&out.join("confirmed.mp4"))[0].width;
    assert_eq!(width, SIZE.0.max(SIDE_PX), "the clip is there");
}

#[test]
fn a_preview_of_a_clip_in_h265_is_small_in_h264_and_shows_the_same_and_the_bundle_stays_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let clip = root.path().join("clip.mp4");
    film_h265(&clip, (1280, 720), ("smpte75", 12), 20);
    let bundle = bundle_of(root.path(), &clip, ("h265", (1280, 720), 20));
    let out = root.path().join("previews");
    let original = Original::open(&bundle).unwrap();
    assert_eq!(preview(&original, &out, &mut |_, _, _| {}).unwrap(), 1);
    let film = fs::read(out.join("confirmed-preview.mp4")).unwrap();
    assert!(film.windows(4).any(|kind| kind == b"avc1"), "in H.264");
    let (large, small) = (decoded(&bundle.join("confirmed.mp4")), decoded(&out.join("confirmed-preview.mp4")));
    assert_eq!((large.len(), small.len()), (20, 20));
    for (large, small) in large.iter().zip(&small) {
        assert_eq!((small.width, small.height), (854, 480));
        let off_us = large.meta.captured_at.as_micros() - small.meta.captured_at.as_micros();
        assert!(off_us.abs() < 2_000, "{off_us}");
        for (x, y) in [(0.2, 0.2), (0.5, 0.5), (0.8, 0.7)] {
            let at =
                |frame: &Frame| frame.rgb_at((x * f64::from(frame.width)) as u32, (y * f64::from(frame.height)) as u32);
            let is_alike = at(large).iter().zip(at(small)).all(|(a, b)| a.abs_diff(b) < 24);
            assert!(is_alike, "{:?} and {:?} at {x} {y}", at(large), at(small));
        }
    }
    let thumbnail = image_frame(&out.join("confirmed-preview.jpg")).unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (854, 480));
    assert!(verify(&bundle).unwrap().is_intact());
    assert!(preview(&original, &out, &mut |_, _, _| {}).is_err(), "the folder is taken");
}

#[test]
fn a_preview_of_a_small_clip_is_no_larger_than_it() {
    let root = tempfile::tempdir().unwrap();
    let clip = root.path().join("clip.mp4");
    // Moving noise, coarsely coded, of which H.264 of even quality would make several times as much.
    film_h265(&clip, (480, 270), ("snow", 38), 20);
    let bundle = bundle_of(root.path(), &clip, ("h265", (480, 270), 20));
    let out = root.path().join("previews");
    preview(&Original::open(&bundle).unwrap(), &out, &mut |_, _, _| {}).unwrap();
    let film = out.join("confirmed-preview.mp4");
    let bytes = |path: &Path| fs::metadata(path).unwrap().len();
    let (large, small) = (bytes(&bundle.join("confirmed.mp4")), bytes(&film));
    assert!(small <= large, "{small} bytes of {large}");
    assert_eq!((decoded(&film).len(), decoded(&film)[0].width), (20, 480));
}

#[test]
fn of_what_is_sealed_to_a_key_no_copy_is_made_that_shows_nothing() {
    let root = tempfile::tempdir().unwrap();
    let clip = root.path().join("clip.mp4");
    film(&clip);
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let closed = store_in(root.path()).sealed_to(Some(key.parse().unwrap()));
    let original = Original::open(&sealed(&closed, &closed, &clip, ("h264", SIZE, FRAMES))).unwrap();
    let out = root.path().join("copy");
    let mut sight = Scripted::new(What::Faces, |_| true);
    let told = export(&original, &out, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap_err().to_string();
    assert!(told.contains("all that it would show is sealed to a public key") && told.contains("age -d"), "{told}");
    let told = preview(&original, &out, &mut |_, _, _| {}).unwrap_err().to_string();
    assert!(told.contains("all that it would show is sealed to a public key"), "{told}");
    assert!(!out.exists(), "nothing is left of it");
}

#[test]
fn what_was_kept_before_the_key_was_named_is_copied_and_the_rest_is_named() {
    let root = tempfile::tempdir().unwrap();
    let clip = root.path().join("clip.mp4");
    film(&clip);
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let closed = store_in(root.path()).sealed_to(Some(key.parse().unwrap()));
    let original = Original::open(&sealed(&store_in(root.path()), &closed, &clip, ("h264", SIZE, FRAMES))).unwrap();
    let out = root.path().join("copy");
    let mut sight = Scripted::new(What::Faces, |_| true);
    let done = export(&original, &out, &mut sight, (made(), None), &mut |_, _, _| {}).unwrap();
    assert_eq!((done.photos, done.clips), (2, 0));
    let paper = fs::read_to_string(out.join("redacted.json")).unwrap();
    assert!(paper.contains("confirmed.mp4.age"), "{paper}");
}
