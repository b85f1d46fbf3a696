//! Content credentials of what is kept: pictures and clips carry them from the moment they are written, so that the hashes of
//! the manifest are those of the files with them.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use forewarn_seal::credentials::{Action, CredentialsError, MovieDigest, Said, Signatory, in_jpeg, of_movie};
use serde::Serialize;

use crate::error::EvidenceError;
use crate::keys::Signer;
use crate::record::BundleRecord;
use crate::store::EvidenceStore;

/// What was seen, in the form of `incident.json`.
const INCIDENT: &str = "io.forewarn.incident";
/// Which box saw it.
const DEVICE: &str = "io.forewarn.device";

/// A file goes without credentials.
#[derive(Debug, thiserror::Error)]
enum Uncredited {
    #[error(transparent)]
    Unsigned(#[from] EvidenceError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

#[derive(Serialize)]
struct Device<'a> {
    site: &'a str,
    key: String,
}

impl EvidenceStore {
    /// A picture with credentials; as it is where nothing is signed, or nothing can be signed now: evidence without them is
    /// still under the seal.
    pub(crate) fn credited<'a>(
        &self,
        record: &BundleRecord,
        file: &str,
        actions: &[Action],
        jpeg: &'a [u8],
    ) -> Cow<'a, [u8]> {
        let made =
            self.crediting(|signer, signatory| in_jpeg(jpeg, &self.said(record, file, actions, signer)?, signatory));
        match made {
            Ok(with) => with.map_or(Cow::Borrowed(jpeg), Cow::Owned),
            Err(error) => {
                leave_out(record, file, &error);
                Cow::Borrowed(jpeg)
            }
        }
    }

    /// Puts credentials behind a clip that is finished and has no place yet.
    pub(crate) fn credit_clip(&self, record: &BundleRecord, file: &str, clip: &Path) -> io::Result<()> {
        let made = self.crediting(|signer, signatory| {
            let digest = MovieDigest::of(&mut File::open(clip)?)?;
            of_movie(&digest, &self.said(record, file, &[Action::Captured], signer)?, signatory)
        });
        match made {
            Ok(None) => Ok(()),
            Ok(Some(with)) => append(clip, &with),
            Err(error) => {
                leave_out(record, file, &error);
                Ok(())
            }
        }
    }

    /// What is made by who signs; none where nobody does, or no credentials are wanted.
    fn crediting(
        &self,
        make: impl FnOnce(&Signer, &Signatory<'_>) -> Result<Vec<u8>, CredentialsError>,
    ) -> Result<Option<Vec<u8>>, Uncredited> {
        let signer = if self.has_credentials() { self.signer()? } else { None };
        let Some(signer) = signer else { return Ok(None) };
        let signatory = Signatory::new(&signer.key, &signer.certificates)?;
        Ok(Some(make(signer, &signatory)?))
    }

    fn said<'a>(
        &'a self,
        record: &BundleRecord,
        file: &'a str,
        actions: &'a [Action],
        signer: &Signer,
    ) -> Result<Said<'a>, CredentialsError> {
        let device = Device { site: &signer.site, key: signer.key.public().to_string() };
        Said::new(file, &self.options().agent_version, actions).and(INCIDENT, record)?.and(DEVICE, &device)
    }
}

/// Adds to a finished file, all or nothing.
fn append(clip: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(clip)?;
    let length = file.metadata()?.len();
    file.write_all(bytes).or_else(|error| {
        file.set_len(length)?;
        Err(error)
    })
}

fn leave_out(record: &BundleRecord, file: &str, why: &Uncredited) {
    let incident = &record.incident.id;
    tracing::warn!(%incident, "{file} is kept without content credentials, under the seal alone: {why}");
}
