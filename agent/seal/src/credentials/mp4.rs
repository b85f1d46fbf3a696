//! Credentials in an MP4: a box of its own behind all others, so that nothing that the movie points at moves (C2PA 2.2,
//! section A.5).

use std::io::{self, Read, Seek, SeekFrom};

use ring::digest::{Context, SHA256};

use super::cbor::Cbor;
use super::jumbf::boxed;
use super::manifest::{Binding, Purpose, store};
use super::{CredentialsError, Said, Signatory};

/// The type of the box.
const C2PA: [u8; 16] = [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];
/// Boxes that others may change without changing what is shown.
const LEFT_OUT: [[u8; 4]; 4] = [*b"ftyp", *b"mfra", *b"free", *b"skip"];

/// The hash of a movie, box by box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovieDigest(Vec<u8>);

impl MovieDigest {
    /// Reads a movie to its end.
    pub fn of(movie: &mut (impl Read + Seek)) -> Result<Self, CredentialsError> {
        let mut hashed = Context::new(&SHA256);
        let end = movie.seek(SeekFrom::End(0))?;
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
    // Version and flags, what the box is for, and that no further hashes stand elsewhere.
    Ok(boxed(*b"uuid", &[&C2PA[..], &[0; 4], b"manifest\0", &[0; 8], &store].concat()))
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
