//! Pages of bundles that hold, that do not, and that are damaged anyhow.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_domain::{
    BBox, Cause, Class, ColourMatrix, Frame, FrameMeta, IncidentId, IncidentRecord, IncidentState, Moment, PixelFormat,
    Proof, Reckoning, RuleKey, StreamId, Subject, Timestamp, Transition, ViolationId, ZoneId,
};
use forewarn_evidence::{EvidenceStore, Limits, Overlay, Setting, Signing, StoreOptions, TimeLine};

use super::*;

/// 2026-01-31 06:03:07.250 UTC.
const T0: i64 = 1_769_839_387_250_000;
const TITLE: &str = "Parking <script>alert(1)</script> & \"more\"";

fn incident() -> IncidentRecord {
    let stream = StreamId::new("gate").unwrap();
    let steps = [
        (IncidentState::Suspected, Cause::ConditionHeld, None),
        (IncidentState::Confirmed, Cause::HeldLongEnough, None),
        (IncidentState::Warned, Cause::WarningSent, None),
        (IncidentState::Observing, Cause::PlaybackProven, Some(Proof::Acknowledged)),
        (IncidentState::Escalated, Cause::WarningsUsedUp, None),
        (IncidentState::Closed, Cause::Settled, None),
    ];
    let at = |n: usize| Timestamp::from_micros(T0 + n as i64 * 5_000_000);
    let history = steps.iter().enumerate();
    let history = history
        .map(|(n, (state, cause, proof))| Transition { proof: *proof, ..Transition::new(*state, at(n), *cause) });
    IncidentRecord {
        id: IncidentId::from_stored("gate-illegal_parking-1"),
        rule: RuleKey {
            stream,
            violation: ViolationId::new("illegal_parking").unwrap(),
            zone: ZoneId::new("kerb").unwrap(),
        },
        state: IncidentState::Closed,
        history: history.collect(),
        subject: Subject {
            class: Class::new("car"),
            track: None,
            count: 1,
            bbox: BBox::new(4.0, 2.0, 9.0, 6.0),
            fix: None,
        },
        warnings_played: 1,
        warning_not_delivered: false,
        said: None,
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    }
}

fn frame() -> Frame {
    let at = Timestamp::from_micros(T0);
    let meta = FrameMeta { stream: StreamId::new("gate").unwrap(), sequence: 1, captured_at: at, arrived_at: at };
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (16, 8), vec![128; 16 * 8 * 3 / 2]).unwrap()
}

/// A sealed bundle, signed if that is asked for.
fn bundle(root: &Path, is_signed: bool) -> PathBuf {
    let store = store(root, is_signed);
    let overlay = Overlay { title: TITLE.to_owned(), bbox: None, zone: None, time: String::new() };
    store.add_snapshot(&incident(), Moment::Confirmed, &frame(), &overlay).unwrap();
    store.seal(&incident(), TITLE, Timestamp::from_micros(T0 + 60_000_000)).unwrap().path
}

fn store(root: &Path, is_signed: bool) -> EvidenceStore {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let options = StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() };
    let mut store = EvidenceStore::new(root.join("evidence"), options);
    if is_signed {
        store = store.signed_by(Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None });
    }
    store.prepare().unwrap();
    store
}

fn both(bundle: &Path) -> [Page; 2] {
    [Language::En, Language::Zh].map(|language| page(bundle, language, None).unwrap())
}

#[test]
fn a_page_tells_all_in_either_language_and_runs_and_asks_nothing() {
    let root = tempfile::tempdir().unwrap();
    let [en, zh] = both(&bundle(root.path(), true));
    for page in [&en, &zh] {
        assert!(page.holds);
        assert!(page.html.contains("Parking &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
        assert!(!page.html.contains("<script") && !page.html.contains("http:") && !page.html.contains("https:"));
        assert!(page.html.contains("src=\"data:image/jpeg;base64,/9j/"));
        assert!(page.html.contains("2026-01-31 06:03:07.250 +00:00"), "{}", page.html);
    }
    for words in ["Intact and signed", "the device itself said that it played it", "all 4 files", "whole: links 1 to 1"]
    {
        assert!(en.html.contains(words), "{words}");
    }
    for words in ["完整且已签名", "设备自身确认已播放", "全部 4 个文件", "完整：第 1 至 1 环"]
    {
        assert!(zh.html.contains(words), "{words}");
    }
    // What the agent wrote of gaps is told in the page's language, too.
    assert!(!zh.html.contains("no clip of this moment") && zh.html.contains("未保存该时刻的录像"));
}

#[test]
fn a_bundle_that_does_not_hold_says_so_at_the_top_in_red() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path(), true);
    let picture = fs::read(bundle.join("confirmed-marked.jpg")).unwrap();
    fs::write(bundle.join("confirmed-marked.jpg"), [&picture[..], b"x"].concat()).unwrap();
    let [en, zh] = both(&bundle);
    for (page, verdict, named) in [
        (en, "NOT INTACT: this is not what was sealed", "confirmed-marked.jpg: changed"),
        (zh, "不完整：内容与封存时不一致", "confirmed-marked.jpg：已被改动"),
    ] {
        assert!(!page.holds);
        let red = page.html.find("<div class=\"verdict bad\"").unwrap();
        assert!(red < page.html.find("<h2>").unwrap() && page.html[red..].contains(verdict));
        assert!(page.html.contains(named), "{named}");
    }
    fs::write(bundle.join("confirmed-marked.jpg"), &picture).unwrap();
    fs::remove_file(bundle.join("manifest.json")).unwrap();
    assert!(both(&bundle)[0].html.contains("NOT SEALED: nothing here is proven"));
    fs::remove_file(bundle.join("incident.json")).unwrap();
    assert!(matches!(page(&bundle, Language::En, None), Err(VerifyError::Unsealed { .. })));
    let nowhere = page(&bundle.join("nowhere"), Language::En, None).unwrap_err().to_string();
    assert!(nowhere.contains("nowhere: nothing is there; name a bundle"), "{nowhere}");
}

#[test]
fn a_redacted_copy_is_never_told_as_evidence() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("redacted.json"), "{}").unwrap();
    let [en, zh] = both(root.path());
    assert!(!en.holds && en.html.contains("REDACTED COPY, NOT AS IT WAS MADE"));
    assert!(zh.html.contains("遮盖后的副本"));
}

#[test]
fn an_unsigned_bundle_is_told_from_a_signed_one() {
    let root = tempfile::tempdir().unwrap();
    let [en, zh] = both(&bundle(root.path(), false));
    assert!(en.html.contains("Unchanged, but unsigned") && !en.html.contains("openssl pkeyutl"));
    assert!(zh.html.contains("未被改动，但没有签名"));
}

#[test]
fn whatever_is_damaged_there_is_a_page_and_it_does_not_say_that_it_holds() {
    let root = tempfile::tempdir().unwrap();
    let bundle = bundle(root.path(), true);
    for name in ["incident.json", "manifest.json", "manifest.sig", "signer.pem", "confirmed-marked.jpg"] {
        let path = bundle.join(name);
        let bytes = fs::read(&path).unwrap();
        let mut altered = bytes.clone();
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            altered[at] ^= 1 << (at % 8);
            for content in [&altered[..], &bytes[..at]] {
                fs::write(&path, content).unwrap();
                let told = page(&bundle, Language::Zh, None).unwrap();
                assert!(!told.holds && told.html.contains("<div class=\"verdict bad\""), "{name} at {at}");
            }
            altered[at] = bytes[at];
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(page(&bundle, Language::Zh, None).unwrap().holds);
}

#[test]
fn a_bundle_is_listed_and_shown_in_chinese() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = forewarn_evidence::show(&bundle(dir.path(), true)).unwrap();
    let zh = shown(&bundle, Language::Zh);
    for line in [
        "  2026-01-31T06:03:07.250Z  疑似（违规条件开始成立）",
        "  2026-01-31T06:03:22.250Z  观察中（警告已播放）",
        "  2026-01-31T06:03:27.250Z  已上报处理（所有警告均已发出）",
        "  注明缺少：confirmed.mp4：未保存该时刻的录像",
    ] {
        assert!(zh.lines().any(|told| told == line), "{line}: {zh}");
    }
    let first = zh.lines().next().unwrap();
    assert!(first.ends_with("字节") && first.contains("  已结束，封存 1，"), "{first}");
    assert_eq!(
        (listed(&bundle.listed, Language::Zh), shown(&bundle, Language::En)),
        (first.to_owned(), bundle.to_string())
    );
}

#[test]
fn the_violation_is_named_in_the_language_of_the_page_where_the_site_named_it_in_that() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), true);
    let setting = serde_json::json!({
        "schema": Setting::SCHEMA, "agent_version": "0.1.0", "site": "riverside", "time_zone": "Asia/Shanghai",
        "language": "en", "place": { "cell": "C-07" }, "zone": null, "analysis_interval_s": 0.2, "models": [],
        "violation": { "id": "illegal_parking", "title": { "zh": "违章停车" }, "subject": ["car"],
            "condition": { "dwell": { "for_s": 60.0, "by": "foot" } } },
    });
    store.add_setting(&incident(), "Illegal parking", &serde_json::from_value(setting).unwrap()).unwrap();
    let bundle = store.seal(&incident(), "Illegal parking", Timestamp::from_micros(T0 + 60_000_000)).unwrap().path;
    let [en, zh] = both(&bundle);
    assert!(en.html.contains("<h1>Illegal parking</h1>"), "{}", en.html);
    assert!(zh.html.contains("<h1>违章停车</h1>") && !zh.html.contains("Illegal parking"), "{}", zh.html);
    let told = shown(&forewarn_evidence::show(&bundle).unwrap(), Language::Zh);
    assert!(told.contains("  违章停车：illegal_parking，摄像机 gate，区域 kerb\n"), "{told}");
}

#[test]
fn a_verification_is_told_in_chinese() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path(), true);
    let told = |path: &Path| verified(&forewarn_evidence::verify_any(path, None).unwrap(), Language::Zh);
    let whole = told(&bundle);
    assert!(whole.starts_with("gate-illegal_parking-1：完整，"), "{whole}");
    assert!(whole.contains("  站点 riverside 的第 1 号封存，状态：已结束\n"), "{whole}");
    assert!(whole.contains("  没有内容凭证：confirmed-marked.jpg、confirmed.jpg\n"), "{whole}");
    let store = dir.path().join("evidence");
    assert!(told(&store).contains("证据链：完整，第 1 至 1 环，现存 1 环，"), "{}", told(&store));
    fs::remove_file(bundle.join("confirmed-marked.jpg")).unwrap();
    let broken = told(&bundle);
    assert!(broken.starts_with("gate-illegal_parking-1：不完整，"), "{broken}");
    assert!(broken.contains("  confirmed-marked.jpg：文件缺失\n"), "{broken}");
    fs::remove_dir_all(&bundle).unwrap();
    assert!(told(&store).contains("  证据链末端被截断：缺少第 1 至 1 环\n"), "{}", told(&store));
}
