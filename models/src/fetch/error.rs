//! Why something could not be fetched.

use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::hash::HashError;

use super::dynamic::DynamicError;
use crate::tfjs::ConvertError;
use crate::variant::VariantError;

/// Something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The client is not installed.
    #[error("failed to fetch because `{client}` is not there: {install}")]
    MissingClient {
        /// The program.
        client: String,
        /// What to do.
        install: &'static str,
    },
    /// The client failed.
    #[error(
        "failed to fetch: `{client}` ended with {status}; where there is no network, copy the model store of a machine that \
         has one\n{said}"
    )]
    Client {
        /// The program.
        client: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        said: String,
    },
    /// The client succeeded but left nothing.
    #[error("failed to fetch `{wanted}`: the client left no .{ending} file")]
    NoFile {
        /// What was asked for.
        wanted: String,
        /// The ending looked for.
        ending: String,
    },
    /// The archive lacks the file.
    #[error("`{archive}` holds no file `{path}`")]
    NotInArchive {
        /// The archive.
        archive: PathBuf,
        /// The path inside it.
        path: String,
    },
    /// The store has nothing that could be packed.
    #[error("failed to pack `{}`: nothing that this program asks for is in it, whole; fetch first: `forewarn models fetch`", .0.display())]
    NothingToPack(PathBuf),
    /// The archive is of something else.
    #[error(
        "`{}` holds nothing that this program asks for; make it by `forewarn models pack` of the same version and for the same \
         processor",
        .0.display()
    )]
    NothingToTake(PathBuf),
    /// The archive is not whole.
    #[error("`{}` ends too early: it was cut off where it was made or copied; copy it again", .0.display())]
    Cut(PathBuf),
    /// What came is not what was pinned.
    #[error("failed to fetch {what}: {source}")]
    Hash {
        /// What was fetched.
        what: String,
        /// What differs.
        source: HashError,
    },
    /// No such file is part of the program.
    #[error("the program carries no weights `{file}`; correct the card's [source.shipped]")]
    NotShipped {
        /// The file name in the card.
        file: String,
    },
    /// The weights could not be converted.
    #[error("failed to convert the weights of model `{model}`: {source}")]
    Convert {
        /// The card's name.
        model: String,
        /// Why.
        source: ConvertError,
    },
    /// The sides of an ONNX model could not be freed.
    #[error("failed to free the sides of model `{model}`: {source}")]
    Free {
        /// The card's name.
        model: String,
        /// Why.
        source: DynamicError,
    },
    /// The variant that the card asks for could not be made.
    #[error("failed to make the variant of model `{model}`: {source}")]
    Variant {
        /// The card's name.
        model: String,
        /// Why.
        source: VariantError,
    },
    /// No runtime library is known for this processor.
    #[error("no ONNX Runtime library is pinned for this processor ({arch}); build one and name it by ORT_DYLIB_PATH")]
    NoRuntimeFor {
        /// The processor.
        arch: &'static str,
    },
    /// There is no such library, or not for this processor.
    #[error("no library `{name}` is pinned for this processor ({arch}); there are: {known}")]
    NoOptionalRuntime {
        /// What was asked for.
        name: String,
        /// The processor.
        arch: &'static str,
        /// Those that exist.
        known: String,
    },
    /// The manifest that is part of the program is broken.
    #[error("failed to read the built-in list of assets: {0}")]
    Manifest(#[from] toml::de::Error),
    /// The file system failed.
    #[error("failed to {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl FetchError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
