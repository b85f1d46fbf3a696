//! The gate and the desk: who is let in, and that nothing is done twice.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use forewarn_base::secret::Secret;
use forewarn_domain::violation::Language;
use forewarn_domain::{Clock, Timestamp, WallTime};
use forewarn_memory::trail::Trail;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::command::{Ask, Command, LookFor, sign};
use crate::config::CommandsConfig;
use crate::configure::Begun;
use crate::desk::Desk;
use crate::gate::{Gate, MOST_AHEAD_S, Memory, Refusal};
use crate::hands::Hands;
use crate::kept::{self, Kept, Quiet};
use crate::link::Commands;
use crate::reply::{Outcome, Reply};
use crate::wish::Wish;

const NOW_S: i64 = 1_800_000_000;
const SECRET: &str = "0123456789abcdef";

fn at(s: i64) -> WallTime {
    WallTime::from_micros(s * 1_000_000)
}

fn gate() -> Gate {
    Gate::new(Some(&Secret::new(SECRET)), "north", Memory::default())
}

fn look(id: &str, expires_s: i64) -> Command {
    let ask = Ask::Look(LookFor { camera: "gate".to_owned(), ..LookFor::default() });
    Command { id: id.to_owned(), site: "north".to_owned(), by: "desk 3".to_owned(), expires_s, ask }
}

fn signed(command: &Command) -> Vec<u8> {
    sign(&serde_json::to_string(command).unwrap(), SECRET.as_bytes()).into_bytes()
}

fn refusal(gate: &mut Gate, command: &Command, now_s: i64) -> Refusal {
    gate.admit(&signed(command), false, at(now_s)).unwrap_err().refusal
}

#[test]
fn a_command_is_let_in_once_in_time_and_at_its_site() {
    let mut gate = gate();
    let good = look("1", NOW_S + 30);
    assert_eq!(gate.admit(&signed(&good), false, at(NOW_S)).as_ref(), Ok(&good));
    assert!(matches!(refusal(&mut gate, &good, NOW_S + 1), Refusal::Seen(_)));
    assert_eq!(refusal(&mut gate, &good, NOW_S + 30), Refusal::Expired(0));
    assert!(gate.memory().seen.is_empty(), "what has expired is forgotten");
    assert_eq!(refusal(&mut gate, &good, NOW_S), Refusal::Forgotten, "a clock that is set back lets nothing in again");
    assert!(gate.admit(&signed(&look("2", NOW_S + 31)), false, at(NOW_S)).is_ok(), "and keeps nothing else out");
    assert_eq!(refusal(&mut gate, &look("3", NOW_S + 1000), NOW_S), Refusal::TooFarAhead(1000));
    let other = Command { site: "south".to_owned(), ..look("4", NOW_S + 60) };
    assert_eq!(refusal(&mut gate, &other, NOW_S), Refusal::OtherSite("south".to_owned()));
    let kept = gate.admit(&signed(&look("5", NOW_S + 60)), true, at(NOW_S)).unwrap_err();
    assert_eq!(kept.refusal, Refusal::Retained);
}

#[test]
fn whoever_does_not_know_the_secret_is_told_so_and_no_more() {
    let mut gate = gate();
    let text = serde_json::to_string(&look("1", NOW_S + 30)).unwrap();
    let forged = gate.admit(sign(&text, b"guessed").as_bytes(), false, at(NOW_S)).unwrap_err();
    assert_eq!((&forged.refusal, forged.id.as_deref(), forged.command), (&Refusal::Forged, Some("1"), None));
    let long = vec![b'x'; 20_000];
    for nonsense in [&b"{}"[..], b"", b"\xff", text.as_bytes(), &long] {
        let refused = gate.admit(nonsense, false, at(NOW_S)).unwrap_err();
        assert!(matches!(refused.refusal, Refusal::NoCommand(_)), "{refused:?}");
    }
    for unknown in [r#"{"id":"1"}"#.to_owned(), text.replace("look", "reboot"), text.replace("desk 3", "")] {
        let refused = gate.admit(sign(&unknown, SECRET.as_bytes()).as_bytes(), false, at(NOW_S)).unwrap_err();
        assert!(matches!(refused.refusal, Refusal::NoCommand(_)) && refused.id.as_deref() == Some("1"), "{refused:?}");
    }
    let empty = text.replace(r#""ask":{"look":{"camera":"gate"}}"#, r#""ask":{}"#);
    let refused = gate.admit(sign(&empty, SECRET.as_bytes()).as_bytes(), false, at(NOW_S)).unwrap_err().refusal;
    assert!(refused.to_string().contains("`ask` holds the one thing that is asked"), "{refused}");
    assert!(gate.memory().seen.is_empty());
    let with_line_end = [signed(&look("1", NOW_S + 30)), b"\n".to_vec()].concat();
    assert!(gate.admit(&with_line_end, false, at(NOW_S)).is_ok(), "as `echo` writes it");
}

#[test]
fn the_signature_is_that_of_openssl() {
    // printf %s '{"id":"1"}' | openssl dgst -sha256 -hmac 0123456789abcdef
    let digits = "4883735ecc1a7c87abe469367b9a53985bc6659fdf34419bf61569c2a176a20e";
    assert_eq!(sign(r#"{"id":"1"}"#, SECRET.as_bytes()), format!("{digits} {{\"id\":\"1\"}}"));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut gate = gate();
    for n in 0..2000 {
        gate.admit(&signed(&look(&n.to_string(), NOW_S + 60)), false, at(NOW_S)).unwrap();
    }
    assert_eq!(refusal(&mut gate, &look("more", NOW_S + 60), NOW_S), Refusal::TooMany);
    assert!(gate.admit(&signed(&look("more", NOW_S + 90)), false, at(NOW_S + 60)).is_ok());
}

/// A clock that stands where the test puts it.
struct Still(Mutex<i64>);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(*self.0.lock().unwrap() * 1_000_000)
    }
}

/// Notes what was done, and does silences alone.
#[derive(Clone, Default)]
struct Done(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<Quiet>>>);

impl Hands for Done {
    fn carry_out(&mut self, command: &Command, _now: WallTime) -> Result<Value, String> {
        self.0.lock().unwrap().push(command.id.clone());
        Ok(Value::Bool(true))
    }

    fn begin(&mut self, command: &Command) -> Option<Begun> {
        let begun = json!({ "id": command.id, "by": command.by, "before": "abc", "cameras": [], "passwords": [] });
        matches!(command.ask, Ask::Configure { .. }).then(|| serde_json::from_value(begun).unwrap())
    }

    fn end(&mut self, begun: &Begun) -> Result<Value, String> {
        self.0.lock().unwrap().push(format!("the end of {}", begun.id));
        Err("no picture came".to_owned())
    }

    fn silence(&mut self, quiet: &Quiet, _now: WallTime) -> Result<(), String> {
        self.1.lock().unwrap().push(quiet.clone());
        Ok(())
    }
}

/// A desk before a disk that takes so many writes more.
struct Office {
    disk: Arc<Mutex<Kept>>,
    done: Done,
    clock: Arc<Still>,
    dir: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        let clock = Arc::new(Still(Mutex::new(NOW_S)));
        Self { disk: Arc::default(), done: Done::default(), clock, dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self, mut writes: u32) -> Desk {
        let (kept, disk) = (self.disk.lock().unwrap().clone(), Arc::clone(&self.disk));
        let keep = move |kept: &Kept| {
            writes = writes.checked_sub(1).ok_or_else(|| io::Error::other("no room"))?;
            *disk.lock().unwrap() = kept.clone();
            Ok(())
        };
        let trail = Trail::at(&self.dir.path().join("audit.jsonl"));
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Desk::resume(
            ("north", Some(&Secret::new(SECRET))),
            (kept, Box::new(keep)),
            trail,
            Box::new(self.done.clone()),
            clock,
        )
    }

    fn audit(&self) -> Vec<(Option<String>, String, String)> {
        let lines = Trail::at(&self.dir.path().join("audit.jsonl")).latest(100).unwrap();
        lines.into_iter().rev().map(|line| (line.who, line.deed, line.detail.unwrap_or_default())).collect()
    }
}

fn answer(reply: &Reply) -> (Outcome, &str) {
    (reply.outcome, reply.why.as_deref().unwrap_or_default())
}

#[test]
fn each_message_is_answered_and_stands_in_the_audit_log() {
    let office = Office::new();
    let mut desk = office.open(9);
    let good = signed(&look("1", NOW_S + 30));
    let reply = desk.take(&good, false);
    assert_eq!((reply.id.as_deref(), answer(&reply)), (Some("1"), (Outcome::Done, "")));
    assert_eq!(reply.found, Value::Bool(true));
    let again = desk.take(&good, false);
    assert_eq!(again.outcome, Outcome::Refused);
    assert!(again.why.unwrap().starts_with("a command of this id was here before, and was done"));
    desk.take(b"nonsense", false);
    let audit = office.audit();
    let heads: Vec<_> = audit.iter().map(|(who, deed, _)| (who.as_deref(), deed.as_str())).collect();
    let by = Some("desk 3");
    assert_eq!(heads, [(by, "command look: done"), (by, "command look: refused"), (None, "command none: refused")]);
    for _ in 0..100 {
        desk.take(b"nonsense", false);
    }
    assert_eq!(office.audit().len(), 2 + 30, "nobody fills the disk who does not know the secret");
}

#[test]
fn what_cannot_be_kept_is_not_done() {
    let office = Office::new();
    let reply = office.open(0).take(&signed(&look("1", NOW_S + 30)), false);
    assert_eq!(reply.outcome, Outcome::Failed);
    assert!(reply.why.unwrap().starts_with("that it came cannot be kept, so it is not done: no room"));
    assert!(office.done.0.lock().unwrap().is_empty());
}

#[test]
fn a_silence_outlives_a_restart_and_ends_by_its_time_or_by_another_word() {
    let office = Office::new();
    let silence = |id: &str, zone: Option<&str>, until_s: i64| {
        let ask = Ask::Silence { camera: "gate".to_owned(), zone: zone.map(str::to_owned), until_s };
        signed(&Command { ask, ..look(id, NOW_S + 30) })
    };
    let mut desk = office.open(99);
    for (id, zone, ahead_s) in [("1", None, 100), ("2", Some("kerb"), 300), ("3", None, 200), ("4", Some("lawn"), -1)] {
        assert_eq!(desk.take(&silence(id, zone, NOW_S + ahead_s), false).outcome, Outcome::Done);
    }
    let year = desk.take(&silence("5", None, NOW_S + 365 * 86_400), false);
    assert_eq!(answer(&year).0, Outcome::Failed);
    assert!(answer(&year).1.starts_with("a silence lasts seven days at most"));
    let asked = std::mem::take(&mut *office.done.1.lock().unwrap());
    assert_eq!(asked.len(), 4);
    *office.clock.0.lock().unwrap() += 250;
    office.open(99);
    let again: Vec<Quiet> = office.done.1.lock().unwrap().clone();
    assert_eq!(again, [Quiet { camera: "gate".to_owned(), zone: Some("kerb".to_owned()), until_s: NOW_S + 300 }]);
}

#[test]
fn a_change_of_the_site_file_during_which_the_agent_was_killed_is_ended_once_and_audited() {
    let office = Office::new();
    let ask = Ask::Configure { changes: Vec::new(), base: Some("abc".to_owned()) };
    // The disk takes that it came, and no more: the agent is killed then.
    let message = signed(&Command { ask, ..look("7", NOW_S + 30) });
    office.open(1).take(&message, false);
    let mut desk = office.open(9);
    assert_eq!(*office.done.0.lock().unwrap(), ["7", "the end of 7"]);
    let (who, deed, detail) = office.audit().pop().unwrap();
    assert_eq!((who.as_deref(), deed.as_str()), (Some("desk 3"), "command configure: failed"));
    assert_eq!(detail, "id 7; ended after a restart; no picture came");
    assert!(answer(&desk.take(&message, false)).1.contains("and could not be done"));
    office.open(9);
    assert_eq!(office.done.0.lock().unwrap().len(), 2, "it has come to its end");
}

#[test]
fn a_damaged_file_lets_nothing_in_that_may_have_been_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("commands.json");
    let (kept, mut keep) = kept::open(path.clone(), at(NOW_S));
    assert_eq!(kept, Kept::default());
    let mut gate = gate();
    gate.admit(&signed(&look("1", NOW_S + 60)), false, at(NOW_S)).unwrap();
    keep(&Kept { memory: gate.memory().clone(), ..Kept::default() }).unwrap();
    assert_eq!(&kept::open(path.clone(), at(NOW_S)).0.memory, gate.memory());
    std::fs::write(&path, b"{\"seen\":").unwrap();
    let lost = kept::open(path.clone(), at(NOW_S)).0.memory;
    let mut gate = Gate::new(Some(&Secret::new(SECRET)), "north", lost);
    assert_eq!(refusal(&mut gate, &look("1", NOW_S + 60), NOW_S), Refusal::Forgotten);
    assert!(gate.admit(&signed(&look("2", NOW_S + 2 + MOST_AHEAD_S)), false, at(NOW_S + 2)).is_ok());
    assert!(dir.path().join("commands.damaged.json").exists());
}

#[test]
fn a_command_that_is_handed_in_is_done_once_and_its_reply_comes_back_though_the_broker_is_away() {
    let keys = r#"{"url":"mqtt://127.0.0.1:1","secret_env":"SECRET"}"#;
    let config: CommandsConfig = serde_json::from_str(keys).unwrap();
    let config = config.resolve("north", Path::new("/"), &|_| Some(SECRET.to_owned())).unwrap();
    let desk = Office::new().open(u32::MAX);
    let mut commands = Commands::start(Some(&config), move || desk, Box::new(|_| ())).unwrap();
    let door = commands.door().unwrap();
    let hand_in = |message: &[u8]| door.hand_in(message.to_vec()).unwrap();
    let good = signed(&look("1", NOW_S + 30));
    assert_eq!(hand_in(&good).outcome, Outcome::Done);
    let again = hand_in(&good);
    assert!(again.outcome == Outcome::Refused && again.id.as_deref() == Some("1"));
    assert!(answer(&hand_in(b"nonsense")).1.starts_with("this is no command"));
    commands.stop().unwrap();
}

#[test]
fn a_wish_needs_no_signature_is_done_now_or_never_and_is_written_up() {
    let office = Office::new();
    let mut desk = office.open(u32::MAX);
    let ask = || Ask::Speak { speaker: "horn".to_owned(), text: "Step back".to_owned(), language: Language::En };
    let wish = |is_kept, ago_s| Wish {
        by: "upstream home".to_owned(),
        ask: ask(),
        is_kept,
        heard_at: Timestamp::from_micros((NOW_S - ago_s) * 1_000_000),
    };
    let done = desk.grant(wish(false, 1));
    assert_eq!((done.id, done.outcome, done.found), (None, Outcome::Done, Value::Bool(true)));
    let kept = desk.grant(wish(true, 0));
    assert!(answer(&kept).0 == Outcome::Refused && answer(&kept).1.starts_with("the broker had kept it"), "{kept:?}");
    let late = desk.grant(wish(false, 31));
    assert_eq!(answer(&late), (Outcome::Refused, "it waited 31 s for what was asked before: ask again"));
    assert_eq!(office.done.0.lock().unwrap().len(), 1, "what is refused is not done");
    let audit = office.audit();
    let heads: Vec<_> = audit.iter().map(|(who, deed, _)| (who.as_deref(), deed.as_str())).collect();
    let by = Some("upstream home");
    assert_eq!(heads, [(by, "command speak: done"), (by, "command speak: refused"), (by, "command speak: refused")]);
    assert_eq!(audit[0].2, "to say: Step back");
    for _ in 0..100 {
        desk.grant(wish(true, 0));
    }
    assert_eq!(office.audit().len(), 1 + 30, "nobody fills the disk by what is refused");
    assert_eq!(office.disk.lock().unwrap().memory, Memory::default(), "a wish has no id to be remembered");
}

#[test]
fn where_no_secret_is_shared_no_command_is_let_in() {
    let mut gate = Gate::new(None, "north", Memory::default());
    assert_eq!(refusal(&mut gate, &look("1", NOW_S + 30), NOW_S), Refusal::Forged);
}

/// What befalls an agent.
#[derive(Debug, Clone)]
enum Fate {
    /// One of the commands comes.
    Comes(u8),
    /// The clock on the wall is set.
    Set(i64),
    /// The agent is killed, and the next one's disk takes so many writes.
    Killed(u32),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => (0..5_u8).prop_map(Fate::Comes),
        2 => (-700..700_i64).prop_map(Fate::Set),
        2 => (0..5_u32).prop_map(Fate::Killed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_byte_is_never_another_command(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let good = look("1", NOW_S + 30);
        let mut message = signed(&good);
        let place = place.index(message.len());
        message[place] = byte;
        if let Ok(read) = gate().admit(&message, false, at(NOW_S)) {
            prop_assert_eq!(read, good);
        }
    }

    /// Whatever comes in whichever order, however the clock is set, wherever a kill falls and whatever the disk refuses.
    #[test]
    fn nothing_is_done_twice(fates in prop::collection::vec(fate(), 1..80)) {
        let office = Office::new();
        let mut desk = office.open(u32::MAX);
        let commands: Vec<Command> = (0..5).map(|n| look(&n.to_string(), NOW_S + 150 * i64::from(n))).collect();
        let mut answered = BTreeSet::new();
        for fate in fates {
            match fate {
                Fate::Comes(n) => {
                    let reply = desk.take(&signed(&commands[usize::from(n)]), false);
                    if reply.outcome == Outcome::Done {
                        prop_assert!(answered.insert(reply.id), "said twice that it was done");
                    }
                }
                Fate::Set(by_s) => *office.clock.0.lock().unwrap() = NOW_S + by_s,
                Fate::Killed(writes) => desk = office.open(if writes == 0 { u32::MAX } else { writes }),
            }
        }
        let done = office.done.0.lock().unwrap();
        let ids: BTreeSet<&String> = done.iter().collect();
        prop_assert_eq!(ids.len(), done.len(), "{:?}", done);
        prop_assert!(ids.len() >= answered.len());
    }
}
