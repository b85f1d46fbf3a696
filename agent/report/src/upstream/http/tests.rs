//! What an answer means for a report, without a network.

use forewarn_domain::SystemClock;
use forewarn_wire::samples::{report, source};

use super::*;

#[derive(Debug, Clone)]
struct Plain;

impl Recipient for Plain {
    const CAN_JOIN: bool = true;

    fn ask(&self, reports: &[QueuedReport], _: WallTime) -> Ask {
        Ask::post("http://a.example/", "text/plain", reports.iter().map(|one| one.id() + " ").collect::<String>())
    }
}

fn upstream(refusals: &Arc<Mutex<Refusals>>) -> HttpUpstream<Plain> {
    HttpUpstream {
        recipient: Plain,
        clock: Arc::new(SystemClock),
        refusals: Arc::clone(refusals),
        thin: None,
        waiting: VecDeque::new(),
        asked: None,
        is_leaving: false,
    }
}

fn queued(seq: i64) -> QueuedReport {
    QueuedReport { seq, report: report(seq as u64, 1), source: source() }
}

fn answered(upstream: &mut HttpUpstream<Plain>, status: u16) -> Note {
    upstream.handle_answer(Reply::Answered(Ok(Answer { status, ..Answer::default() })))
}

fn asked(upstream: &mut HttpUpstream<Plain>) -> Option<String> {
    match upstream.poll_message()? {
        Message::Ask(ask) => Some(String::from_utf8(ask.body).unwrap()),
        Message::Leave => Some("leave".to_owned()),
    }
}

#[test]
fn reports_are_asked_about_one_by_one_or_together_and_then_leave_is_taken() {
    let mut upstream = upstream(&Arc::default());
    assert_eq!(upstream.handle_answer(Reply::Ready), Note::Ready);
    upstream.handle_report(&queued(1));
    upstream.handle_together(&[queued(2), queued(3)]);
    assert_eq!(asked(&mut upstream), Some(queued(1).id() + " "));
    assert_eq!(asked(&mut upstream), None, "one at a time");
    assert_eq!(answered(&mut upstream, 204), Note::AcknowledgedAll(vec![1]));
    assert_eq!(asked(&mut upstream), Some(format!("{} {} ", queued(2).id(), queued(3).id())));
    upstream.handle_stop();
    assert_eq!(asked(&mut upstream), None);
    assert_eq!(answered(&mut upstream, 200), Note::AcknowledgedAll(vec![2, 3]));
    assert_eq!(asked(&mut upstream), Some("leave".to_owned()));
    assert_eq!(upstream.handle_answer(Reply::Left), Note::Left);
}

#[test]
fn only_2xx_is_a_delivery_and_each_refusal_says_what_to_do() {
    for (status, says) in [
        (302, "write that address into `url`"),
        (401, "check the secret"),
        (404, "check the path"),
        (410, "take this upstream out"),
        (429, "more than it takes"),
        (503, "cannot take reports now"),
    ] {
        let answer = Answer { status, body: b"no\nway".to_vec(), ..Answer::default() };
        let Verdict::Later { why, after } = of_status(&answer) else { panic!("{status} may pass") };
        assert!(why.starts_with(&format!("status {status}, ")) && why.contains(says) && why.ends_with(": \"noway\""));
        assert_eq!(after.is_some(), status == 410, "{status}");
    }
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    let later = of_status(&Answer { status: 503, headers, ..Answer::default() });
    assert!(matches!(later, Verdict::Later { after: Some(after), .. } if after == Duration::from_secs(7)));
    assert_eq!(of_status(&Answer { status: 202, ..Answer::default() }), Verdict::Delivered);
}

#[test]
fn what_is_refused_for_good_is_given_up_over_connections_where_others_are_taken() {
    let refusals = Arc::default();
    let mut first = upstream(&refusals);
    first.handle_report(&queued(1));
    asked(&mut first);
    assert_eq!(answered(&mut first, 200), Note::AcknowledgedAll(vec![1]));
    for turn in 1..=5 {
        let mut again = upstream(&refusals);
        again.handle_report(&queued(2));
        asked(&mut again);
        match answered(&mut again, 422) {
            Note::Refused { why, after: None, .. } => assert!(turn < 5 && why.contains("status 422"), "{why}"),
            Note::GivenUp { places, .. } => assert_eq!((turn, places), (5, vec![2])),
            other => panic!("{other:?}"),
        }
    }
    let mut away = upstream(&refusals);
    away.handle_report(&queued(3));
    asked(&mut away);
    let error = HttpError::Away { peer: "a:1".to_owned(), why: "gone".to_owned() };
    let note = away.handle_answer(Reply::Answered(Err(error)));
    assert_eq!(note, Note::Away { why: "failed to reach a:1: gone".to_owned() });
}
