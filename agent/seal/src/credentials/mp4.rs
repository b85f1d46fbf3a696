//! Credentials in an MP4: a box of its own behind all others, so that nothing that the movie points at moves (C2PA 2.2,
//! section A.5).

use std::io::{self, Read, Seek, SeekFrom};

use ring::digest::{Context, SHA256};

use super::cbor::Cbor;
use super::jumbf::boxed;
use super::manifest::{Binding, Purpose, store};
use super::read::{Credentials, Unheld, judged};
use super::{CredentialsError, Said, Signatory};

/// The type of the box.
const C2PA: [u8; 16] = [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];
/// Version and flags, what the box is for, and that no further hashes stand elsewhere.
const PURPOSE: [u8; 21] = *b"\0\0\0\0manifest\0\0\0\0\0\0\0\0\0";
/// The longest box that is taken for credentials of this program.
const MOST_BYTES: u64 = 16 << 20;
/// Boxes that others may change without changing what is shown.
const LEFT_OUT: [[u8; 4]; 4] = [*b"ftyp", *b"mfra", *b"free", *b"skip"];

/// The hash of a movie, box by box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovieDigest(Vec<u8>);

impl MovieDigest {
    /// Reads a movie to its end.
    pub fn of(movie: &mut (impl Read + Seek)) -> Result<Self, CredentialsError> {
        let end = movie.seek(SeekFrom::End(0))?;
        Self::up_to(movie, end)
    }

    fn up_to(movie: &mut (impl Read + Seek), end: u64) -> Result<Self, CredentialsError> {
        let mut hashed = Context::new(&SHA256);
        let mut at = movie.seek(SeekFrom::Start(0))?;
        while at < end {
            let (kind, length) = next_box(movie)?;
            if length > end - at {
                return Err(CredentialsError::Unfit("a box of the movie is longer than the movie"));
            }
            if !LEFT_OUT.contains(&kind) {
                movie.seek(SeekFrom::Start(at))?;
                hashed.update(&at.to_be_bytes());
                hash_part(movie, length, &mut hashed)?;
            }
            at = movie.seek(SeekFrom::Start(at + length))?;
        }
        Ok(Self(hashed.finish().as_ref().to_vec()))
    }
}

/// The type of the box that begins here, and its length with its header.
fn next_box(movie: &mut impl Read) -> Result<([u8; 4], u64), CredentialsError> {
    let mut header = [0; 8];
    movie.read_exact(&mut header)?;
    let [a, b, c, d, kind @ ..] = header;
    let length = match u32::from_be_bytes([a, b, c, d]) {
        0 => return Err(CredentialsError::Unfit("the movie's last box is open, so nothing can follow it")),
        1 => {
            let mut large = [0; 8];
            movie.read_exact(&mut large)?;
            u64::from_be_bytes(large)
        }
        short => u64::from(short),
    };
    match (&kind, length) {
        (_, ..8) => Err(CredentialsError::Unfit("a box of the movie is shorter than its header")),
        (b"uuid", _) => Err(CredentialsError::Unfit("the movie holds a box of others, credentials perhaps")),
        _ => Ok((kind, length)),
    }
}

fn hash_part(movie: &mut impl Read, length: u64, hashed: &mut Context) -> io::Result<()> {
    let mut left = movie.take(length);
    let mut block = vec![0; 64 * 1024];
    loop {
        match left.read(&mut block)? {
            0 => return Ok(()),
            n => hashed.update(&block[..n]),
        }
    }
}

/// The box that is to be put behind the movie.
pub fn of_movie(digest: &MovieDigest, said: &Said<'_>, signatory: &Signatory<'_>) -> Result<Vec<u8>, CredentialsError> {
    let store = store(said, &binding(digest), signatory, Purpose::Kept)?;
    Ok(in_box(&store))
}

/// What credentials a movie carries, where this program puts them; none if it carries none. Fails where it cannot be read.
pub fn in_movie(movie: &mut (impl Read + Seek)) -> io::Result<Option<Result<Credentials, Unheld>>> {
    let end = movie.seek(SeekFrom::End(0))?;
    let Some(at) = place(movie, end)? else { return Ok(None) };
    let mut whole = Vec::new();
    movie.seek(SeekFrom::Start(at))?;
    movie.by_ref().take(MOST_BYTES).read_to_end(&mut whole)?;
    let store = whole.get(8..).and_then(|content| content.strip_prefix(&C2PA)?.strip_prefix(&PURPOSE));
    let Some(store) = store.filter(|store| whole == in_box(store)) else { return Ok(Some(Err(Unheld::Unread))) };
    match MovieDigest::up_to(movie, at) {
        Ok(digest) => Ok(Some(judged(store, &binding(&digest)))),
        Err(CredentialsError::Unread(error)) => Err(error),
        Err(_) => Ok(Some(Err(Unheld::File))),
    }
}

/// Where the first box of credentials begins, be it whole or not.
fn place(movie: &mut (impl Read + Seek), end: u64) -> io::Result<Option<u64>> {
    let mut at = movie.seek(SeekFrom::Start(0))?;
    while end - at >= 8 {
        let mut header = Vec::new();
        movie.by_ref().take(8 + 16).read_to_end(&mut header)?;
        let (length, rest) = header.split_at(4);
        if rest.strip_prefix(b"uuid").is_some_and(|kind| kind.starts_with(&C2PA)) {
            return Ok(Some(at));
        }
        let length = match (u32::from_be_bytes(length.try_into().unwrap_or_default()), header.get(8..16)) {
            (1, Some(large)) => u64::from_be_bytes(large.try_into().unwrap_or_default()),
            (short, _) => u64::from(short),
        };
        if length < 8 || length > end - at {
            return Ok(None);
        }
        at = movie.seek(SeekFrom::Start(at + length))?;
    }
    Ok(None)
}

fn in_box(store: &[u8]) -> Vec<u8> {
    boxed(*b"uuid", &[&C2PA[..], &PURPOSE, store].concat())
}

fn binding(digest: &MovieDigest) -> Binding {
    let path = |kind: &[u8; 4]| ("xpath", Cbor::text(format!("/{}", String::from_utf8_lossy(kind))));
    let of_c2pa = Cbor::map([("offset", Cbor::Unsigned(8)), ("value", Cbor::Bytes(C2PA.to_vec()))]);
    let own = Cbor::map([path(b"uuid"), ("data", Cbor::Array(vec![of_c2pa]))]);
    let excluded = std::iter::once(own).chain(LEFT_OUT.iter().map(|kind| Cbor::map([path(kind)])));
    let assertion = Cbor::map([
        ("exclusions", Cbor::Array(excluded.collect())),
        ("alg", Cbor::text("sha256")),
        ("hash", Cbor::Bytes(digest.0.clone())),
        ("name", Cbor::text("jumbf manifest")),
    ]);
    Binding { label: "c2pa.hash.bmff.v3", assertion, sha256: digest.0.clone() }
}
