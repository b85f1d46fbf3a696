//! Time stamps of seals (RFC 3161) as they lie beside the manifests, and whether they hold.
//!
//! `manifest-N.tsr` is the answer of a time stamp authority to the sha256 of the manifest of seal N, whether that is the
//! present one of its folder or an earlier one. It is not under the seal, which is older, and need not be: it is signed by
//! somebody else.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use forewarn_seal::certificate::Trusted;
use forewarn_seal::time_stamp::Stamp;
use serde::Serialize;

use crate::manifest::{MANIFEST, Manifest, earlier_manifest, earlier_numbers, stamp_name, stamp_numbers};
use crate::problem::Problem;

/// The largest answer of an authority that is taken in.
pub(crate) const MOST_BYTES: usize = 64 << 10;

/// A time stamp that holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stamped {
    /// The number of the seal.
    pub seal: u64,
    /// Who stamped, by his certificate.
    pub by: String,
    /// When, by his clock, RFC 3339 in UTC.
    pub at: String,
    /// How far that may be off, by his word, in seconds; none if he says nothing.
    pub accuracy_s: Option<f64>,
    /// Its number there, in hexadecimal digits.
    pub serial: String,
    /// Whether somebody who is trusted vouches for him; none if nobody was named.
    pub vouched_for: Option<bool>,
}

impl fmt::Display for Stamped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seal, by, at, .. } = self;
        let accuracy = self.accuracy_s.map_or_else(String::new, |accuracy_s| format!(", to within {accuracy_s} s"));
        let trust = match self.vouched_for {
            None => "its own word: name who must vouch for it by --tsa-ca",
            Some(true) => "somebody whom you trust vouches for it",
            Some(false) => "nobody whom you trust vouches for it",
        };
        write!(f, "seal {seal} was there at {at}{accuracy}, by a time stamp of {by}, {trust}")
    }
}

/// Where the manifest of a seal lies in its folder.
pub(crate) fn manifest_of(manifest: &Manifest, number: u64) -> String {
    let is_present = manifest.chain.as_ref().is_some_and(|place| place.number == number);
    if is_present { MANIFEST.to_owned() } else { earlier_manifest(number) }
}

/// Checks the time stamps of a folder whose present manifest was read.
pub(crate) fn check(
    dir: &Path,
    manifest: &Manifest,
    trusted: Option<&Trusted>,
) -> io::Result<(Vec<Stamped>, Vec<Problem>)> {
    let (mut stamps, mut problems) = (Vec::new(), Vec::new());
    for seal in stamp_numbers(dir)? {
        let file = stamp_name(seal);
        let answer = fs::read(dir.join(&file))?;
        let stamped = match fs::read(dir.join(manifest_of(manifest, seal))) {
            Ok(bytes) => judge(seal, &answer, &bytes, trusted),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no such seal here".to_owned()),
            Err(error) => return Err(error),
        };
        match stamped {
            Ok(stamped) => {
                if stamped.vouched_for == Some(false) {
                    let why = format!("stamped by {}, for whom nobody vouches whom you trust", stamped.by);
                    problems.push(Problem::Stamp { file, why });
                }
                stamps.push(stamped);
            }
            Err(why) => problems.push(Problem::Stamp { file, why }),
        }
    }
    Ok((stamps, problems))
}

fn judge(seal: u64, answer: &[u8], bytes: &[u8], trusted: Option<&Trusted>) -> Result<Stamped, String> {
    let stamp = Stamp::read(answer).map_err(|error| error.to_string())?;
    if !stamp.is_of(bytes) {
        return Err(format!("it is of another file; {} stamped that at {}", stamp.by, stamp.at));
    }
    Ok(Stamped {
        seal,
        vouched_for: trusted.map(|trusted| stamp.is_vouched_for(trusted).is_ok()),
        accuracy_s: stamp.accuracy_us.map(|us| us as f64 / 1e6),
        by: stamp.by,
        at: stamp.at,
        serial: stamp.serial,
    })
}

/// The number of the seal that a manifest is; none if it is not in a chain, or cannot be read.
fn number_of(manifest: &[u8]) -> Option<u64> {
    let manifest: Manifest = serde_json::from_slice(manifest).ok()?;
    manifest.chain.map(|place| place.number)
}

/// The numbers of the signed seals of a folder that bear no time stamp, the oldest first.
pub(crate) fn unstamped(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = earlier_numbers(dir)?;
    match fs::read(dir.join(MANIFEST)) {
        Ok(bytes) => numbers.extend(number_of(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let stamped = stamp_numbers(dir)?;
    numbers.retain(|number| !stamped.contains(number));
    Ok(numbers)
}

/// The bytes of the manifest of a seal of a folder; none if it is there no longer.
pub(crate) fn sealed_bytes(dir: &Path, number: u64) -> io::Result<Option<Vec<u8>>> {
    // A later seal may take its place between two looks, which moves it to the other name.
    for _ in 0..2 {
        match fs::read(dir.join(earlier_manifest(number))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Some),
        }
        match fs::read(dir.join(MANIFEST)) {
            Ok(bytes) if number_of(&bytes) == Some(number) => return Ok(Some(bytes)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
