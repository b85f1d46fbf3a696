//! Time stamps of seals: asked for whenever the authority is there, checked offline, and every wrong one told.

use std::net::TcpListener;
use std::path::Path;

use forewarn_base::port::free_port;
use forewarn_base::post::Peer;
use forewarn_base::thread::Thread;
use forewarn_seal::time_stamp::authority::{Authority, KEYS};

use super::*;
use crate::testing::escalated;
use crate::tests::sealed::{signed_store, small};
use crate::verify::verify_for;

fn authority() -> Authority {
    Authority::new(KEYS[0]).unwrap()
}

fn start(store: &EvidenceStore, port: u16, trusted: Option<&Path>) -> TimeStamps {
    let peer = Peer::of("url", &format!("http://127.0.0.1:{port}/tsa")).unwrap();
    TimeStamps::start(store.root().to_owned(), peer, trusted).unwrap()
}

/// Has `n` seals of a store stamped, all that are there without a stamp.
pub(super) fn stamp_all(store: &EvidenceStore, authority: &Authority, n: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stamps = start(store, listener.local_addr().unwrap().port(), Some(&authority.ca()));
    authority.serve(&listener, n).unwrap();
    wait_for(&stamps, 0);
}

/// Waits until so many seals wait for their stamps.
fn wait_for(stamps: &TimeStamps, n: usize) {
    let since = forewarn_domain::clock::Stopwatch::start();
    while stamps.waiting() != n {
        assert!(since.elapsed() < Duration::from_mins(2), "{} wait, {:?}", stamps.waiting(), stamps.trouble());
        std::thread::yield_now();
    }
}

fn problems(found: &Verification) -> Vec<String> {
    found.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn seals_are_stamped_when_the_authority_is_there_and_the_words_say_by_whom() {
    let (root, ours, theirs) = (tempfile::tempdir().unwrap(), authority(), authority());
    let store = signed_store(root.path());
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    store.seal(&escalated(1), TITLE, T0).unwrap();
    // Nobody answers: what was sealed before the start waits, and so does what is sealed now.
    let port = free_port().unwrap();
    let offline = start(&store, port, None);
    wait_for(&offline, 1);
    let first = store.seal(&closed(1), TITLE, T0).unwrap().path;
    let second = small(&store, 2).path;
    offline.sealed(&first);
    offline.sealed(&second);
    wait_for(&offline, 3);
    assert!(verify(&first).unwrap().is_intact() && verify(&first).unwrap().stamps.is_empty());
    drop(offline);
    // After a restart the authority is there.
    stamp_all(&store, &ours, 3);
    for name in ["manifest-1.tsr", "manifest-2.tsr"] {
        assert!(first.join(name).is_file(), "{name}");
    }
    let found = verify(&first).unwrap();
    assert_eq!(problems(&found), [""; 0]);
    assert_eq!(found.stamps.iter().map(|stamp| stamp.seal).collect::<Vec<_>>(), [1, 2]);
    let words = found.to_string();
    assert!(words.contains("by a time stamp of Test stamps, its own word") && words.contains("seal 2 was there at 2"));
    assert_eq!(found.to_json()["time_stamps"][1]["accuracy_s"], 1.5);
    let trusted = |ca: &Path| Trusted::read(&[], &[ca.to_owned()]).unwrap();
    let found = verify_for(&second, Some(&trusted(&ours.ca()))).unwrap();
    assert!(found.is_intact() && found.to_string().contains("somebody whom you trust vouches for it"), "{found}");
    let found = verify_for(&second, Some(&trusted(&theirs.ca()))).unwrap();
    assert!(
        problems(&found)[0].contains("manifest-3.tsr: no time stamp of that seal: stamped by Test stamps, for whom")
    );

    // A copy takes them along, and a seal that follows leaves them what they are.
    Original::open(&first).unwrap().copy_to(&root.path().join("copy")).unwrap();
    assert_eq!(verify(&root.path().join("copy")).unwrap().stamps.len(), 2);
    assert_eq!(store.seal(&closed(2), TITLE, T0).unwrap().path, second);
    assert_eq!(verify(&second).unwrap().stamps.len(), 1);
}

#[test]
fn a_stamp_that_is_altered_or_of_another_file_is_told() {
    let (root, ours) = (tempfile::tempdir().unwrap(), authority());
    let store = signed_store(root.path());
    let (first, second) = (small(&store, 1).path, small(&store, 2).path);
    stamp_all(&store, &ours, 2);
    let (one, two) = (first.join("manifest-1.tsr"), second.join("manifest-2.tsr"));
    let (own, other) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let told = |bytes: &[u8]| {
        fs::write(&one, bytes).unwrap();
        problems(&verify(&first).unwrap()).join("\n")
    };
    let words = told(&other);
    assert!(
        words.contains("manifest-1.tsr: no time stamp of that seal: it is of another file; Test stamps"),
        "{words}"
    );
    assert!(told(&own[..own.len() / 2]).contains("it is no time stamp: it ends too early"));
    assert!(told(b"").contains("it is no time stamp"));
    let mut altered = own.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert!(told(&altered).contains("it proves nothing: the signature is not that of its certificate"));
    assert_eq!(told(&own), "");
    fs::rename(&two, first.join("manifest-2.tsr")).unwrap();
    let words = problems(&verify(&first).unwrap()).join("\n");
    assert!(words.contains("manifest-2.tsr: no time stamp of that seal: there is no such seal here"), "{words}");
}

#[test]
fn an_answer_that_proves_nothing_is_not_kept_and_asked_for_again() {
    let (root, ours, theirs) = (tempfile::tempdir().unwrap(), authority(), authority());
    let store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stamps = start(&store, listener.local_addr().unwrap().port(), Some(&ours.ca()));
    // Somebody else answers, for whom nobody vouches; then the right one does.
    let mut answering = Thread::spawn("authority", move || {
        theirs.serve(&listener, 1).unwrap();
        ours.serve(&listener, 1).unwrap();
        ours
    })
    .unwrap();
    let ours = answering.join().unwrap().unwrap();
    wait_for(&stamps, 0);
    let found = verify_for(&bundle, Some(&Trusted::read(&[], &[ours.ca()]).unwrap())).unwrap();
    assert!(found.is_intact() && found.stamps.len() == 1, "{found}");
    assert!(!names(store.root()).iter().any(|name| store.root().join(name).join("manifest-1.tsr").is_file()));
}
