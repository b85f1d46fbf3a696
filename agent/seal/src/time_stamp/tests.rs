//! Answers of `openssl ts`, whole and altered.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::authority::{Authority, KEYS};
use super::*;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

fn trusted(file: &Path) -> Trusted {
    Trusted::from_pem(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn openssl_stamps_what_is_asked_for_and_nothing_else_is_taken_for_it() {
    for key in KEYS {
        let (ours, theirs) = (Authority::new(key).unwrap(), Authority::new(KEYS[0]).unwrap());
        let nonce = Nonce::of([0xff; 8]);
        let bytes = ours.answer(&request(&sha256(b"manifest"), nonce)).unwrap();
        let stamp = Stamp::read(&bytes).unwrap();
        assert!(stamp.is_of(b"manifest") && !stamp.is_of(b"manifesT"));
        assert!(stamp.answers(&sha256(b"manifest"), nonce));
        assert!(!stamp.answers(&sha256(b"manifesT"), nonce) && !stamp.answers(&sha256(b"manifest"), Nonce::of([0; 8])));
        assert_eq!((stamp.by.as_str(), stamp.accuracy_us), ("Test stamps", Some(1_500_000)));
        assert!(stamp.at.starts_with("20") && stamp.at_s > 1_767_225_600, "{stamp:?}");
        stamp.is_vouched_for(&trusted(&ours.ca())).unwrap();
        stamp.is_vouched_for(&trusted(&ours.own())).unwrap();
        stamp.is_vouched_for(&trusted(&theirs.ca())).unwrap_err();
    }
}

#[test]
fn every_altered_byte_of_a_stamp_is_found() {
    let authority = Authority::new(KEYS[0]).unwrap();
    let bytes = authority.answer(&request(&sha256(b"manifest"), Nonce::of([1; 8]))).unwrap();
    let (stamp, ca) = (Stamp::read(&bytes).unwrap(), trusted(&authority.ca()));
    let said = |stamp: &Stamp| {
        (stamp.imprint.clone(), stamp.at.clone(), stamp.accuracy_us, stamp.serial.clone(), stamp.by.clone())
    };
    let holds = |bytes: &[u8]| {
        Stamp::read(bytes).is_ok_and(|read| read.is_vouched_for(&ca).is_ok() && said(&read) != said(&stamp))
    };
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        // What nobody reads, such as a certificate of somebody else, may change; nothing that is said may.
        assert!(!holds(&altered), "byte {at}");
        assert!(Stamp::read(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_refusal_and_a_certificate_for_something_else_are_told() {
    let authority = Authority::new(KEYS[0]).unwrap();
    let mut wrong = request(&sha256(b"manifest"), Nonce::of([1; 8]));
    // A hash function of which nobody has heard.
    wrong[19] = 0x7f;
    let refused = Stamp::read(&authority.answer(&wrong).unwrap()).unwrap_err();
    assert!(matches!(&refused, StampError::Refused { status: 2, why } if !why.is_empty()), "{refused}");
    assert!(!read::is_for_time_stamps(&[]));
    let ca = trusted(&authority.ca());
    let stamp = Stamp::read(&authority.answer(&request(&sha256(b""), Nonce::of([1; 8]))).unwrap()).unwrap();
    assert!(read::is_for_time_stamps(&stamp.certificates[0]));
    assert!(!read::is_for_time_stamps(&stamp.certificates[1]), "an authority is for more");
    let late = Stamp { at_s: 4_102_444_800, ..stamp };
    assert!(late.is_vouched_for(&ca).unwrap_err().contains("Expired"));
}

#[test]
fn times_are_read_by_the_calendar() {
    let at = |text: &str| read::time(text.as_bytes());
    assert_eq!(at("20260131060307.25Z"), Some((1_769_839_387, "2026-01-31T06:03:07.25Z".to_owned())));
    assert_eq!(at("19700101000000Z").unwrap().0, 0);
    assert_eq!(at("20280229120000Z").unwrap().0, 1_835_438_400);
    for wrong in
        ["20270229120000Z", "20260131060307", "2026013106030Z", "20261301000000Z", "20260100000000Z", "20260131240000Z"]
    {
        assert_eq!(at(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_refused_and_nothing_breaks(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Stamp::read(&bytes).is_err());
    }
}
