//! A device key in a token: seals wait while it is away, nothing else does, and a key in a file hands over to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forewarn_domain::{Case, CaseCause, CaseStage, CaseStep, EvidenceRequest, KeyToken, TokenError};
use forewarn_seal::Deed;
use forewarn_seal::key::{DeviceKey, from_hex};

use super::*;
use crate::audit::By;
use crate::testing::escalated;
use crate::tests::sealed::{says, signed_store, small, told};
use crate::verify_store::verify_store;
use crate::{EvidenceKeeper, KeeperNews, KeeperSetup, KeysError, audit};

/// A token that can be pulled out.
#[derive(Debug)]
struct Token {
    key: DeviceKey,
    is_there: AtomicBool,
}

impl Token {
    fn new() -> Arc<Self> {
        Arc::new(Self { key: DeviceKey::generate().unwrap(), is_there: AtomicBool::new(true) })
    }

    fn plug(&self, is_there: bool) {
        self.is_there.store(is_there, Ordering::Relaxed);
    }

    fn when_there<T>(&self, answer: T) -> Result<T, TokenError> {
        let is_there = self.is_there.load(Ordering::Relaxed);
        is_there.then_some(answer).ok_or_else(|| TokenError { message: "no token fits; plug it in".to_owned() })
    }
}

impl KeyToken for Token {
    fn public(&self) -> Result<[u8; 32], TokenError> {
        self.when_there(from_hex(&self.key.public().to_string()).unwrap().try_into().unwrap())
    }

    fn make(&self) -> Result<(), TokenError> {
        self.when_there(())
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, TokenError> {
        self.when_there(self.key.sign(bytes).unwrap())
    }
}

fn in_token(root: &Path, token: &Arc<Token>) -> EvidenceStore {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let token: Arc<dyn KeyToken> = Arc::<Token>::clone(token);
    let signing = Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: Some(token) };
    EvidenceStore::new(root.join("evidence"), options(limits)).signed_by(signing)
}

#[test]
fn a_key_in_a_token_leaves_no_secret_on_the_disk_and_whoever_looks_is_written_down() {
    let (root, token) = (tempfile::tempdir().unwrap(), Token::new());
    let store = in_token(root.path(), &token);
    store.prepare().unwrap();
    let bundle = small(&store, 1);
    assert_eq!(bundle.seal.unwrap().key, token.key.public().to_string());
    assert_eq!(names(&root.path().join("keys")), ["authority.key", "authority.pem", "chain-end.json", "device.pem"]);
    assert_eq!(told(&store), [""; 0]);
    // A command that reads no site file does not know of the token: its word waits for who does.
    let around = EvidenceStore::around(&bundle.path, "0.1.0").unwrap();
    around.leave_access(&bundle.path, (Deed::Shown, None), By { who: None, why: None }, NOW).unwrap();
    around.prepare().and_then(|()| around.note_words(NOW)).unwrap();
    let numbers = || audit(store.root()).unwrap().entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
    assert_eq!(numbers(), [None]);
    store.note_words(NOW).unwrap();
    assert_eq!(numbers(), [Some(2)]);
    assert_eq!(told(&store), [""; 0]);
    assert_eq!(names(&root.path().join("keys")), ["authority.key", "authority.pem", "chain-end.json", "device.pem"]);
}

#[test]
fn a_key_in_a_file_hands_over_to_a_token_and_is_gone() {
    let (root, token) = (tempfile::tempdir().unwrap(), Token::new());
    let old = small(&signed_store(root.path()), 1);
    let mut store = in_token(root.path(), &token);
    store.prepare().unwrap();
    let refused = store.seal(&closed(2), TITLE, T0).unwrap_err().to_string();
    assert!(refused.contains("has not handed over to it") && refused.contains("forewarn key roll"), "{refused}");
    store.exchange_key(NOW).unwrap();
    small(&store, 2);
    assert_eq!(told(&store), [""; 0]);
    assert_eq!(verify_store(store.root(), None).unwrap().chain.keys.len(), 2);
    assert!(verify(&old.path).unwrap().is_intact());
    assert!(!root.path().join("keys/device.key").exists());
    let again = store.exchange_key(NOW).unwrap_err();
    assert!(matches!(again, EvidenceError::Keys(KeysError::InToken)), "{again}");
    // Without the token in the site file a key is made to which nobody handed over.
    small(&signed_store(root.path()), 3);
    says(&signed_store(root.path()), "which never handed over to it");
}

#[test]
fn a_kill_while_the_key_hands_over_is_made_up_for() {
    let (root, token) = (tempfile::tempdir().unwrap(), Token::new());
    small(&signed_store(root.path()), 1);
    let key = root.path().join("keys/device.key");
    let kept = fs::read(&key).unwrap();
    let mut store = in_token(root.path(), &token);
    store.exchange_key(NOW).unwrap();
    // The link was written, and the old key was not taken away yet.
    fs::write(&key, kept).unwrap();
    let store = in_token(root.path(), &token);
    store.prepare().unwrap();
    assert!(!key.exists());
    small(&store, 2);
    assert_eq!(told(&store), [""; 0]);
}

#[test]
fn seals_wait_for_a_token_that_is_away_and_evidence_does_not() {
    let (root, token) = (tempfile::tempdir().unwrap(), Token::new());
    let setup = KeeperSetup {
        scratch: root.path().join(".scratch"),
        scenes: crate::RuleScenes::default(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    let at = |s: i64| Timestamp::from_micros(T0.as_micros() + s * 1_000_000);
    let mut keeper = EvidenceKeeper::unready(in_token(root.path(), &token), setup);
    let capture = |keeper: &mut EvidenceKeeper, n: u64, s: i64| {
        let (incident, moment) = (confirmed(n), Moment::Confirmed);
        let request = EvidenceRequest { incident, moment, at: at(s), clip: None };
        keeper.capture(&request, Some(&frame(64, 48)));
        keeper.seal_soon(closed(n), at(s));
        let sealed = |news: &KeeperNews| matches!(news, KeeperNews::Sealed { .. });
        keeper.take_news().iter().filter(|news| sealed(news)).count()
    };
    // Away from the start, and again while the agent runs.
    token.plug(false);
    keeper.make_ready(at(0));
    assert!(keeper.unsigned().unwrap().contains("no token fits; plug it in; evidence is kept"));
    assert_eq!(capture(&mut keeper, 1, 1), 0);
    token.plug(true);
    keeper.advance(at(6));
    assert_eq!((keeper.take_news().len(), keeper.unsigned()), (1, None));
    assert_eq!(capture(&mut keeper, 2, 7), 1);
    token.plug(false);
    for n in 3..6 {
        assert_eq!(capture(&mut keeper, n, 10 + n as i64), 0);
        let kept = keeper.store().bundle_path(&confirmed(n)).unwrap().join("confirmed.jpg");
        assert!(kept.is_file(), "what is seen is on the disk at once");
    }
    assert_eq!((keeper.failing(), keeper.unkept().waiting), (None, 0));
    token.plug(true);
    keeper.advance(at(30));
    assert_eq!((keeper.take_news().len(), keeper.unsigned()), (3, None));
    assert_eq!(told(keeper.store()), [""; 0]);
    assert_eq!(verify_store(keeper.store().root(), None).unwrap().chain.span, Some((1, 5)));
}

#[test]
fn steps_of_a_case_are_sealed_once_for_all_that_come_together_and_make_no_folder_that_was_deleted() {
    use CaseStage::{OnSite, Received, Sent, Settled};

    let root = tempfile::tempdir().unwrap();
    let setup = KeeperSetup {
        scratch: root.path().join(".scratch"),
        scenes: crate::RuleScenes::default(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    let at = |s: i64| Timestamp::from_micros(T0.as_micros() + s * 1_000_000);
    let mut keeper = EvidenceKeeper::new(signed_store(root.path()), setup).unwrap();
    let seals = |keeper: &mut EvidenceKeeper| -> Vec<u32> {
        let number = |news: KeeperNews| match news {
            KeeperNews::Sealed { seal, .. } => seal.map(|seal| seal.number),
            KeeperNews::Trouble { what, .. } => panic!("{what}"),
        };
        keeper.take_news().into_iter().filter_map(number).collect()
    };
    let with_steps = |mut record: IncidentRecord, stages: &[CaseStage]| {
        let step = |(n, stage): (usize, &CaseStage)| CaseStep {
            stage: *stage,
            at: at(20 + n as i64),
            cause: CaseCause::Told,
            by: Some("ward 3".to_owned()),
            to: None,
            note: String::new(),
        };
        let steps: Vec<CaseStep> = stages.iter().enumerate().map(step).collect();
        let stage = *stages.last().unwrap();
        record.case = Some(Box::new(Case { stage, steps, due: None, is_reminded: false }));
        record
    };
    keeper.seal_soon(with_steps(escalated(1), &[Sent]), at(0));
    assert_eq!(seals(&mut keeper), [1], "people act on it from its escalation on");
    keeper.seal_soon(with_steps(escalated(1), &[Sent, Received]), at(10));
    keeper.seal_soon(with_steps(escalated(1), &[Sent, Received, OnSite]), at(11));
    assert_eq!(seals(&mut keeper), [0; 0]);
    keeper.advance(at(12));
    assert_eq!(seals(&mut keeper), [2], "both steps at once");
    keeper.seal_soon(with_steps(closed(1), &[Sent, Received, OnSite]), at(20));
    assert_eq!(seals(&mut keeper), [3], "the end waits for no step");
    keeper.seal_soon(with_steps(closed(1), &[Sent, Received, OnSite, Settled]), at(30));
    keeper.finish([], at(30));
    assert_eq!(seals(&mut keeper), [4], "a stop waits for no step either");
    assert_eq!(told(keeper.store()), [""; 0]);
    let bundle = keeper.store().bundle_path(&closed(1)).unwrap();
    let record: BundleRecord = serde_json::from_slice(&fs::read(bundle.join("incident.json")).unwrap()).unwrap();
    assert_eq!(record.incident.case.unwrap().stage, Settled);

    fs::remove_dir_all(&bundle).unwrap();
    keeper.seal_soon(with_steps(closed(1), &[Sent, Received, OnSite, Settled, Settled]), at(40));
    keeper.finish([], at(50));
    assert!(seals(&mut keeper).is_empty() && !bundle.exists(), "retention let it go");
}

#[test]
fn a_folder_that_is_away_is_told_before_anything_is_to_be_sealed_and_seals_wait_for_it() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = KeeperSetup {
        scratch: root.path().join(".scratch"),
        scenes: crate::RuleScenes::default(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    let at = |s: i64| Timestamp::from_micros(T0.as_micros() + s * 1_000_000);
    let mut keeper = EvidenceKeeper::new(signed_store(root.path()), setup).unwrap();
    let evidence = root.path().join("evidence");
    keeper.seal_soon(closed(1), at(0));
    assert_eq!((keeper.take_news().len(), keeper.unsigned()), (1, None));
    fs::rename(&evidence, elsewhere.path().join("evidence")).unwrap();
    keeper.advance(at(31));
    let why = keeper.unsigned().unwrap();
    assert!(
        why.contains("the folder was unmounted, moved") && why.contains("sealed as soon as that is mended"),
        "{why}"
    );
    keeper.seal_soon(closed(2), at(32));
    assert_eq!(keeper.take_news().len(), 0);
    assert!(!evidence.exists(), "nothing is begun there");
    fs::rename(elsewhere.path().join("evidence"), &evidence).unwrap();
    keeper.advance(at(40));
    assert_eq!((keeper.take_news().len(), keeper.unsigned()), (1, None));
    assert_eq!(told(keeper.store()), [""; 0]);
    assert_eq!(verify_store(keeper.store().root(), None).unwrap().chain.span, Some((1, 2)));
}
