//! What blocks: looking into bundles, reading files, asking.

use forewarn_base::hash::Digest;
use forewarn_base::http::{Answer, Ask, Http, HttpError};

use super::bundle::{Place, Shut, Source, Wanted};
use crate::upstream::http::MOST_ANSWER_BYTES;

/// What is done.
#[derive(Debug)]
pub enum Work {
    /// A bundle is looked into; none where a report names none.
    Look(Option<String>),
    /// A piece of a file is read.
    Read(Source, u64, u64),
    /// Somebody is asked.
    Ask(Ask),
    /// Somebody is asked for a document, which is hashed.
    ReadBack(Ask),
    /// Nothing more is done.
    Leave,
}

/// What came of it.
#[derive(Debug)]
pub enum Reply {
    /// Something can be done.
    Ready,
    /// What lies in the bundle.
    Looked(Result<Vec<Wanted>, Shut>),
    /// A piece, or why there is none.
    Read(Result<Vec<u8>, String>),
    /// An answer.
    Answered(Result<Answer, HttpError>),
    /// Status of an answer, and size and hash of its document.
    Hashed(Result<(u16, Digest), HttpError>),
    /// Nothing more is done.
    Left,
}

/// Does it.
pub(super) fn done(work: Work, http: &Http, place: &Place) -> Reply {
    match work {
        Work::Look(bundle) => Reply::Looked(bundle.map_or_else(|| Ok(Vec::new()), |bundle| place.look(&bundle))),
        Work::Read(source, from, bytes) => Reply::Read(source.read(from, bytes).map_err(|error| error.to_string())),
        Work::Ask(ask) => Reply::Answered(http.ask(&ask, MOST_ANSWER_BYTES)),
        Work::ReadBack(ask) => Reply::Hashed(http.hash(&ask, u64::MAX)),
        Work::Leave => Reply::Left,
    }
}
