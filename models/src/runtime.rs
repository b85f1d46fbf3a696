//! The ONNX Runtime library: found, loaded once, never a reason to panic.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use ndarray::ArrayD;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::value::TensorRef;

use crate::fetch;
use crate::providers::{
    self, Candidate, Chosen, Execution, Hardware, Precision, Provider, ProviderChoice, Request, Set,
};
use crate::store::Store;

/// Environment variable that names the library.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// Environment variable that keeps the library from recording what it runs on and telling its maker.
const TELEMETRY_VARIABLE: &str = "ORT_DISABLE_TELEMETRY";

/// Keeps every library of the process from recording what it runs on and telling its maker.
///
/// The library does that when it makes its environment, before it can be asked not to, and heeds this variable alone.
/// Other threads may read the environment at any time, so a program calls this before it starts any.
#[expect(unsafe_code, reason = "a variable of the environment is the only way, and threads share it")]
pub fn forbid_telemetry() {
    if env::var_os(TELEMETRY_VARIABLE).is_none_or(|value| value != "1") {
        // SAFETY: a program calls this first, as long as it has one thread; see above. Where a test or an example opens a
        // model without that, the variable comes from the project's `.cargo/config.toml`, and this is not reached.
        unsafe { env::set_var(TELEMETRY_VARIABLE, "1") };
    }
}

/// The library cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// It is nowhere.
    #[error(
        "the ONNX Runtime library is missing: there is none at {tried}; run `forewarn models fetch` to fetch it, \
         or name one by {LIBRARY_VARIABLE}"
    )]
    Missing {
        /// Where it was looked for.
        tried: String,
    },
    /// The variable names something that is no file.
    #[error("{LIBRARY_VARIABLE} names `{path}`, which is not a file; correct it, or unset it to use the model store's")]
    NoSuchFile {
        /// The path.
        path: PathBuf,
    },
    /// It is there but cannot be loaded.
    #[error(
        "failed to load the ONNX Runtime library `{path}`: {reason}; \
         run `forewarn models fetch` for the right one"
    )]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
}

/// The loaded library with its one environment, and the provider that models are run on. Cloning shares both.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
    execution: Arc<Execution>,
}

/// A process has one ONNX Runtime; whoever loads it again gets the same one.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library that [`Runtime::find`] finds; models are run on the CPU.
    pub fn load(store: &Store) -> Result<Self, RuntimeError> {
        Self::load_from(&Self::find(store)?)
    }

    /// Loads the library that has the provider asked for, tries the provider out, and runs models on it or, where it
    /// does not work, on the CPU. [`Runtime::execution`] tells what was chosen and why.
    ///
    /// A process has one library: where another is loaded already, that one is asked for the provider.
    pub fn load_for(store: &Store, request: Request) -> Result<Self, RuntimeError> {
        let base = match Self::find_special(store, request.provider).map(|path| Self::load_from(&path)) {
            Some(Ok(runtime)) => runtime,
            Some(Err(error)) => {
                tracing::warn!(%error, "the library with the provider cannot be loaded; trying the plain one");
                Self::load(store)?
            }
            None => Self::load(store)?,
        };
        let cache = store.path("cache").join("engines");
        let set = Set { threads: 1, cache: Some(cache.clone()) };
        let try_out = |provider, precision| providers::probe(&base.environment, provider, precision, &set);
        let mut chosen = providers::choose(request, Hardware::read(), try_out);
        let is_fetched = Self::find_special(store, request.provider).is_some();
        let is_named = env::var_os(LIBRARY_VARIABLE).is_some_and(|path| !path.is_empty());
        if let Some(name) = request.provider.named().and_then(fetch::optional_runtime_of)
            && chosen.is_fallback
            && !is_fetched
            && !is_named
        {
            chosen.reason.push_str("; fetch a library that has it by `forewarn models fetch --runtime ");
            chosen.reason.push_str(&name);
            chosen.reason.push('`');
        }
        let (provider, precision, reason) = (chosen.provider, chosen.precision, chosen.reason.as_str());
        if chosen.is_fallback {
            tracing::warn!(%provider, %precision, reason, "execution provider chosen");
        } else {
            tracing::info!(%provider, %precision, reason, "execution provider chosen");
        }
        Ok(Self { execution: Arc::new(Execution::new(chosen, Some(cache))), ..base })
    }

    /// What every provider says when it is tried out with the library that is loaded.
    pub fn survey(&self, precision: Precision) -> Vec<Candidate> {
        let each = Provider::ALL.into_iter().map(|provider| {
            let found = providers::probe(&self.environment, provider, precision, &Set { threads: 1, cache: None });
            let (works, reason) = found.map_or_else(|why| (false, why), |how| (true, how));
            Candidate { provider, works, reason }
        });
        each.collect()
    }

    /// The provider that models are run on, and what became of it.
    pub fn execution(&self) -> &Execution {
        &self.execution
    }

    /// A library that was fetched for a provider, unless the variable names one. With `auto` that of CUDA counts
    /// where the system has an NVIDIA device.
    fn find_special(store: &Store, choice: ProviderChoice) -> Option<PathBuf> {
        if env::var_os(LIBRARY_VARIABLE).is_some_and(|path| !path.is_empty()) {
            return None;
        }
        let has_gpu = || ["/dev/nvidiactl", "/dev/nvhost-gpu"].iter().any(|device| Path::new(device).exists());
        let provider = match choice.named() {
            Some(provider) => provider,
            None if has_gpu() => Provider::Cuda,
            None => return None,
        };
        fetch::optional_runtime_library(provider).map(|file| store.path(&file)).filter(|path| path.is_file())
    }

    /// The libraries that a store has, the plain one first, each with the providers that it may have. A process loads one of
    /// them; what `ORT_DYLIB_PATH` names is the only one, and may have any.
    pub fn libraries(store: &Store) -> Result<Vec<(PathBuf, Vec<Provider>)>, RuntimeError> {
        let plain = Self::find(store)?;
        if env::var_os(LIBRARY_VARIABLE).is_some_and(|path| !path.is_empty()) {
            return Ok(vec![(plain, Provider::ALL.to_vec())]);
        }
        let mut libraries = vec![(plain, vec![Provider::Cpu])];
        for provider in [Provider::OpenVino, Provider::Cuda, Provider::TensorRt] {
            let Some(path) = Self::find_special(store, provider.into()) else { continue };
            match libraries.iter_mut().find(|(known, _)| *known == path) {
                Some((_, providers)) => providers.push(provider),
                None => libraries.push((path, vec![provider])),
            }
        }
        Ok(libraries)
    }

    /// Where the library is: what `ORT_DYLIB_PATH` names, else the store's, else one beside the executable.
    pub fn find(store: &Store) -> Result<PathBuf, RuntimeError> {
        let named = env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
        Self::find_from(named, store, beside.as_deref())
    }

    fn find_from(named: Option<PathBuf>, store: &Store, beside: Option<&Path>) -> Result<PathBuf, RuntimeError> {
        if let Some(path) = named {
            return if path.is_file() { Ok(path) } else { Err(RuntimeError::NoSuchFile { path }) };
        }
        let pinned = fetch::runtime_file();
        let names = || pinned.iter().map(String::as_str).chain(["libonnxruntime.so"]);
        let dirs = [Some(store.root()), beside];
        let tried: Vec<PathBuf> = dirs.iter().flatten().flat_map(|dir| names().map(|name| dir.join(name))).collect();
        tried.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
            let tried = tried.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ");
            RuntimeError::Missing { tried }
        })
    }

    /// Loads a given library. If one is loaded already, that one stays.
    pub fn load_from(path: &Path) -> Result<Self, RuntimeError> {
        let mut loaded = lock(&LOADED);
        if let Some(runtime) = loaded.as_ref() {
            return Ok(runtime.clone());
        }
        let fail = |reason: String| RuntimeError::Load { path: path.to_owned(), reason };
        forbid_telemetry();
        // An absolute path keeps the loader from looking in other folders.
        let path = path.canonicalize().map_err(|error| fail(error.to_string()))?;
        let builder = ort::init_from(&path).map_err(|error| fail(loader_said(&error)))?;
        let logger = Arc::new(|level: LogLevel, _category: &str, _id: &str, _location: &str, message: &str| {
            if matches!(level, LogLevel::Error | LogLevel::Fatal) {
                tracing::warn!(target: "onnxruntime", "{message}");
            } else {
                tracing::debug!(target: "onnxruntime", "{message}");
            }
        });
        let builder = builder.with_name("forewarn").with_telemetry(false).with_logger(logger);
        let environment = builder.build().map_err(|error| fail(error.to_string()))?;
        environment.set_log_level(LogLevel::Warning);
        let chosen = Chosen {
            provider: Provider::Cpu,
            precision: Precision::Fp32,
            reason: "no other was asked for".to_owned(),
            is_fallback: false,
            candidates: Vec::new(),
        };
        let execution = Arc::new(Execution::new(chosen, None));
        Ok(loaded.insert(Self { environment, path, execution }).clone())
    }

    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Version and build of the library, as it says itself.
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    /// Runs a model once on one float input and gives all its float outputs by name.
    ///
    /// This is for trying a model out; [`crate::OnnxDetector`] is the way to run one for long.
    pub fn run_once(
        &self,
        model: &[u8],
        shape: &[usize],
        input: &[f32],
    ) -> Result<BTreeMap<String, ArrayD<f32>>, ort::Error> {
        let mut builder = Session::builder(&self.environment)?.with_flush_to_zero()?.with_intra_threads(1)?;
        let mut session = builder.commit_from_memory(model)?;
        let outputs = session.run(ort::inputs![TensorRef::from_array_view((shape, input))?])?;
        let floats = |(name, value): (&str, ort::value::ValueRef<'_>)| {
            Ok((name.to_owned(), value.try_extract_array::<f32>()?.into_owned()))
        };
        outputs.iter().map(floats).collect()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The dynamic loader's own words, which `ort` keeps one level down.
fn loader_said(error: &ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
        }
        other => other.to_string(),
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_names_the_command_that_fetches_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = Runtime::find_from(None, &Store::at(dir.path()), None).unwrap_err().to_string();
        assert!(error.contains("forewarn models fetch") && error.contains("libonnxruntime.so"), "{error}");
        let error = Runtime::find_from(Some(dir.path().join("x.so")), &Store::at(dir.path()), None).unwrap_err();
        assert!(matches!(error, RuntimeError::NoSuchFile { .. }), "{error}");
    }

    #[test]
    fn the_store_comes_before_the_executable() {
        let dir = tempfile::tempdir().unwrap();
        let (store, beside) = (dir.path().join("store"), dir.path().join("bin"));
        for place in [&store, &beside] {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("libonnxruntime.so"), b"x").unwrap();
        }
        let found = Runtime::find_from(None, &Store::at(&store), Some(&beside)).unwrap();
        assert_eq!(found, store.join("libonnxruntime.so"));
        std::fs::remove_file(found).unwrap();
        let found = Runtime::find_from(None, &Store::at(&store), Some(&beside)).unwrap();
        assert_eq!(found, beside.join("libonnxruntime.so"));
    }

    #[test]
    fn a_file_that_is_no_library_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libonnxruntime.so");
        std::fs::write(&path, b"not a library").unwrap();
        // No unit test of this crate loads the real library, which would then stay.
        let error = Runtime::load_from(&path).unwrap_err().to_string();
        assert!(error.contains("libonnxruntime.so") && error.contains("forewarn models fetch"), "{error}");
    }
}
