//! One file of several: a tar archive that is wholly there or not, for its owner alone.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::durable::Unfinished;
use forewarn_base::private::FILE_MODE;
use tar::{Builder, Header};

use crate::error::UpkeepError;

/// A packet that is being made.
pub(crate) struct Packet {
    tar: Builder<File>,
    unfinished: Unfinished,
    out: PathBuf,
}

impl Packet {
    pub(crate) fn begin(out: &Path) -> Result<Self, UpkeepError> {
        // It may be the site file itself, a database or a device.
        if out.symlink_metadata().is_ok() {
            return Err(UpkeepError::Exists(out.to_owned()));
        }
        let unfinished = Unfinished::of_process(out);
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(unfinished.path());
        let tar = Builder::new(file.map_err(UpkeepError::io("write", out))?);
        Ok(Self { tar, unfinished, out: out.to_owned() })
    }

    /// Adds so many bytes under a name.
    pub(crate) fn add(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> Result<(), UpkeepError> {
        let mut header = Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(FILE_MODE);
        self.tar.append_data(&mut header, name, from.take(bytes)).map_err(UpkeepError::io("write", &self.out))
    }

    pub(crate) fn finish(self) -> Result<(), UpkeepError> {
        let written = self.tar.into_inner().and_then(|_| self.unfinished.place());
        written.map_err(UpkeepError::io("write", self.out))
    }
}
