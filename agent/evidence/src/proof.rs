//! Who sealed a bundle, and whether the signature holds.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use forewarn_domain::IncidentState;
use forewarn_seal::certificate::{Certificates, Trusted};
use forewarn_seal::chain::Known;
use forewarn_seal::key::PublicKey;

use crate::chain_file::known_seal;
use crate::chain_search::{Signed, earlier};
use crate::manifest::{MANIFEST, Manifest, SIGNATURE, SIGNER, earlier_manifest};

/// What a signed manifest says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The site.
    pub site: String,
    /// The device's key.
    pub key: PublicKey,
    /// The seal's number in the chain of the device.
    pub number: u64,
    /// sha256 of the link before.
    pub previous: Option<String>,
    /// Number of the seal of the same incident that it takes the place of.
    pub supersedes: Option<u64>,
    /// The state that the incident was in.
    pub state: Option<IncidentState>,
    /// Whether nothing more will come.
    pub is_final: bool,
    /// Whether somebody who is trusted vouches for the key; none if nobody was named.
    pub is_vouched_for: Option<bool>,
    /// The seals of this folder whose signatures fit, the oldest first.
    pub(crate) seals: Vec<Known>,
}

/// Why a signature proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is none, though the manifest says who signed it.
    Gone,
    /// It is not the signature of this manifest by the key that this names.
    Wrong {
        /// The key.
        key: PublicKey,
    },
    /// The certificate is gone, damaged, or of another key.
    OtherCertificate {
        /// The key that the manifest names.
        key: PublicKey,
        /// What is wrong.
        why: String,
    },
    /// Nobody who is trusted vouches for the key.
    NotTrusted {
        /// The key.
        key: PublicKey,
        /// Why.
        why: String,
    },
    /// It is not signed, and somebody was named who should have.
    Unsigned,
    /// An earlier seal of the folder does not hold.
    Earlier {
        /// Its number.
        number: u64,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => write!(f, "{SIGNATURE}: gone: the manifest says who signed it, and no signature is there"),
            Self::Wrong { key } => write!(
                f,
                "{SIGNATURE}: no signature of this {MANIFEST} by the key that it names, {key}: one of both was changed, or \
                 signed by somebody else"
            ),
            Self::OtherCertificate { key, why } => {
                write!(f, "{SIGNER}: no certificate of the key that signed, {key}: {why}")
            }
            Self::NotTrusted { key, why } => {
                write!(f, "signed by a key for which nobody vouches whom you trust: {key}: {why}")
            }
            Self::Unsigned => write!(f, "{MANIFEST}: unsigned, so that nobody whom you trust vouches for it"),
            Self::Earlier { number, why } => write!(f, "{}: {why}", earlier_manifest(*number)),
        }
    }
}

/// Checks the signature of a manifest that was read from a folder.
pub(crate) fn check(
    dir: &Path,
    manifest: &Manifest,
    trusted: Option<&Trusted>,
) -> io::Result<(Option<Proof>, Vec<Flaw>)> {
    let (Some(device), Some(place)) = (&manifest.device, &manifest.chain) else {
        return Ok((None, trusted.map(|_| Flaw::Unsigned).into_iter().collect()));
    };
    let mut flaws = Vec::new();
    let bytes = fs::read(dir.join(MANIFEST))?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut seals, earlier_flaws) = check_earlier(dir, manifest, &name)?;
    flaws.extend(earlier_flaws);
    match fs::read(dir.join(SIGNATURE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => flaws.push(Flaw::Gone),
        Err(error) => return Err(error),
        Ok(signature) => match known_seal(manifest, &bytes, &signature, &name) {
            Some(known) => seals.push(known),
            None => flaws.push(Flaw::Wrong { key: device.key }),
        },
    }
    let certificates = fs::read(dir.join(SIGNER)).map_err(|error| error.to_string());
    let certificates =
        certificates.and_then(|pem| Certificates::from_pem(&pem).map_err(|error| error.to_string())).and_then(|read| {
            if read.key() == Some(device.key) { Ok(read) } else { Err("it is of another key".to_owned()) }
        });
    let mut is_vouched_for = None;
    if let Some(trusted) = trusted {
        let at_s = manifest.sealed_at.seconds.max(0.0) as u64;
        let vouched = match &certificates {
            _ if trusted.names(&device.key) => Ok(()),
            Ok(certificates) => certificates.are_vouched_for(trusted, at_s),
            Err(why) => Err(why.clone()),
        };
        is_vouched_for = Some(vouched.is_ok());
        flaws.extend(vouched.err().map(|why| Flaw::NotTrusted { key: device.key, why }));
    }
    flaws.extend(certificates.err().map(|why| Flaw::OtherCertificate { key: device.key, why }));
    let proof = Proof {
        site: device.site.clone(),
        key: device.key,
        number: place.number,
        previous: place.previous.clone(),
        supersedes: place.supersedes.as_ref().map(|earlier| earlier.number),
        state: manifest.state,
        is_final: manifest.is_final(),
        is_vouched_for,
        seals,
    };
    Ok((Some(proof), flaws))
}

/// The earlier seals of a folder: each bears its signature, and the one before is the one that the manifest names.
fn check_earlier(dir: &Path, manifest: &Manifest, name: &str) -> io::Result<(Vec<Known>, Vec<Flaw>)> {
    let (mut seals, mut flaws) = (Vec::new(), Vec::new());
    for found in earlier(dir, name)? {
        let Signed { known, manifest: of, .. } = match found {
            Ok(signed) => signed,
            Err(number) => {
                let why = "an earlier seal that does not bear the signature of the key that it names".to_owned();
                flaws.push(Flaw::Earlier { number, why });
                continue;
            }
        };
        if of.incident != manifest.incident {
            let why = format!("an earlier seal of another incident, {}", of.incident);
            flaws.push(Flaw::Earlier { number: known.number, why });
        }
        seals.push(known);
    }
    let named = manifest.chain.as_ref().and_then(|place| place.supersedes.as_ref());
    match (named, seals.last()) {
        (Some(named), Some(last)) if (named.number, &named.sha256) == (last.number, &last.sha256) => {}
        (Some(named), _) if flaws.is_empty() => {
            let why = "the earlier seal whose place this one took is gone, or another".to_owned();
            flaws.push(Flaw::Earlier { number: named.number, why });
        }
        (None, Some(last)) => {
            let why = "an earlier seal of which the manifest knows nothing".to_owned();
            flaws.push(Flaw::Earlier { number: last.number, why });
        }
        _ => {}
    }
    Ok((seals, flaws))
}
