//! Pictures and clips for the holder of a key alone: what is kept of them is sealed to a public key of `age`, so that the box
//! cannot show them. Seals and hashes are over what is kept.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use forewarn_base::durable::Unfinished;
use forewarn_seal::age::{Recipient, seal};

use crate::store::EvidenceStore;

/// Ends the names of such files.
const ENDING: &str = ".age";

/// Whether a file of a bundle is for the holder of a key alone, by its name.
pub fn is_sealed_to_key(file: &str) -> bool {
    file.ends_with(ENDING)
}

/// The name of a file before it was sealed to a key.
pub(crate) fn plain_name(file: &str) -> &str {
    file.strip_suffix(ENDING).unwrap_or(file)
}

impl EvidenceStore {
    /// Has pictures and clips sealed to a public key, where one is named.
    #[must_use]
    pub fn sealed_to(mut self, recipient: Option<Recipient>) -> Self {
        self.recipient = recipient;
        self
    }

    /// How a picture or clip of that name is called where it is kept.
    pub(crate) fn kept_name(&self, file: String) -> String {
        if self.recipient.is_some() { file + ENDING } else { file }
    }

    /// The bytes of a picture as they are kept.
    pub(crate) fn kept_bytes<'a>(&self, picture: Cow<'a, [u8]>) -> io::Result<Cow<'a, [u8]>> {
        let Some(recipient) = &self.recipient else { return Ok(picture) };
        let mut sealed = Vec::with_capacity(picture.len() + 256);
        seal(recipient, &mut &*picture, &mut sealed)?;
        Ok(sealed.into())
    }

    /// Makes of a finished clip what is kept of it. The clip itself is gone then.
    pub(crate) fn make_clip_kept(&self, clip: &Path) -> io::Result<()> {
        let Some(recipient) = &self.recipient else { return Ok(()) };
        let sealed = Unfinished::beside(clip);
        let mut out = BufWriter::new(File::create(sealed.path())?);
        seal(recipient, &mut BufReader::new(File::open(clip)?), &mut out)?;
        out.flush()?;
        sealed.place()
    }
}
