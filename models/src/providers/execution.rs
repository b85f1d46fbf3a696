//! The chosen provider at work: what is handed to a session, and the count of what fell back to the CPU.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use forewarn_base::sync::lock;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider as _, ExecutionProvider as _, ExecutionProviderDispatch};

use super::{Chosen, Precision, Provider};

/// The provider that all models of a [`crate::Runtime`] run on, and what became of it.
///
/// A model that the provider cannot open or run is opened on the CPU, and the frame at hand is tried again there. It
/// stays on the CPU until it is opened anew.
#[derive(Debug)]
pub struct Execution {
    chosen: Chosen,
    cache: Option<PathBuf>,
    fallbacks: AtomicU64,
    /// Why each model, by its card's name, left the provider the last time.
    left: Mutex<BTreeMap<String, String>>,
}

impl Execution {
    pub(crate) fn new(chosen: Chosen, cache: Option<PathBuf>) -> Self {
        Self { chosen, cache, fallbacks: AtomicU64::new(0), left: Mutex::default() }
    }

    /// What was chosen, and why.
    pub fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// How many models have left the provider for the CPU since the runtime was loaded.
    pub fn fallbacks(&self) -> u64 {
        self.fallbacks.load(Ordering::Relaxed)
    }

    /// What a model that runs on `now` does otherwise than the site asks for, and why; none where it does as asked.
    pub fn shortfall(&self, model: &str, now: Provider) -> Option<String> {
        let Chosen { provider, reason, is_fallback, .. } = &self.chosen;
        if *is_fallback {
            return Some(format!("it runs on the CPU: {reason}"));
        }
        (now != *provider).then(|| {
            let why = lock(&self.left).get(model).map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("`{model}` left {provider} for the CPU{why}")
        })
    }

    /// Notes that a model goes on on the CPU.
    pub(crate) fn fell_back(&self, model: &str, reason: String) {
        let provider = self.chosen.provider;
        tracing::error!(%model, %provider, %reason, "the model goes on on the CPU");
        lock(&self.left).insert(model.to_owned(), reason);
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// What a session of so many threads is handed; nothing on the CPU.
    pub(crate) fn dispatch(&self, threads: usize) -> Vec<ExecutionProviderDispatch> {
        let set = Set { threads, cache: self.cache.clone() };
        dispatch(self.chosen.provider, self.chosen.precision, &set)
    }
}

/// Settings of a session that providers want to know.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    /// Threads of one inference.
    pub(crate) threads: usize,
    /// Folder for compiled models.
    pub(crate) cache: Option<PathBuf>,
}

/// Whether the loaded library was built with a provider.
pub(crate) fn is_in_library(provider: Provider) -> Result<bool, ort::Error> {
    match provider {
        Provider::Cpu => Ok(true),
        Provider::OpenVino => ep::OpenVINO::is_available(),
        Provider::Cuda => ep::CUDA::is_available(),
        Provider::TensorRt => ep::TensorRT::is_available(),
    }
}

/// The providers of a session, the preferred first; registering the preferred one must succeed.
pub(crate) fn dispatch(provider: Provider, precision: Precision, set: &Set) -> Vec<ExecutionProviderDispatch> {
    match provider {
        Provider::Cpu => Vec::new(),
        Provider::OpenVino => {
            let hint = match precision {
                Precision::Fp32 => "f32",
                Precision::Bf16 => "bf16",
                Precision::Fp16 => "f16",
            };
            let config = serde_json::json!({ "CPU": { "INFERENCE_PRECISION_HINT": hint } }).to_string();
            let openvino = ep::OpenVINO::default()
                .with_device_type("CPU")
                .with_num_threads(set.threads.max(1))
                .with_num_streams(1)
                .with_arbitrary_config("load_config", config);
            vec![openvino.build().error_on_failure()]
        }
        Provider::Cuda => vec![ep::CUDA::default().build().error_on_failure()],
        Provider::TensorRt => {
            let fp16 = precision == Precision::Fp16;
            let mut tensorrt = ep::TensorRT::default().with_fp16(fp16).with_bf16(precision == Precision::Bf16);
            if let Some(cache) = &set.cache {
                // Compiling an engine takes minutes.
                tensorrt = tensorrt.with_engine_cache(true).with_engine_cache_path(cache.display());
            }
            vec![tensorrt.build().error_on_failure(), ep::CUDA::default().build()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallbacks_are_counted_and_each_model_tells_its_own() {
        let chosen = Chosen {
            provider: Provider::Cuda,
            precision: Precision::Fp32,
            reason: String::new(),
            is_fallback: false,
            candidates: Vec::new(),
        };
        let execution = Execution::new(chosen.clone(), None);
        assert_eq!((execution.fallbacks(), execution.shortfall("yolox-nano", Provider::Cuda)), (0, None));
        execution.fell_back("yolox-nano", "out of memory".to_owned());
        execution.fell_back("hard-hat", "the device is lost".to_owned());
        assert_eq!(execution.fallbacks(), 2);
        let told = |model| execution.shortfall(model, Provider::Cpu).unwrap();
        assert_eq!(told("yolox-nano"), "`yolox-nano` left cuda for the CPU: out of memory");
        assert_eq!(told("hard-hat"), "`hard-hat` left cuda for the CPU: the device is lost");
        assert_eq!(execution.shortfall("yolox-nano", Provider::Cuda), None, "opened anew, it is back");

        let none = Chosen { reason: "no such device".to_owned(), is_fallback: true, provider: Provider::Cpu, ..chosen };
        let execution = Execution::new(none, None);
        assert_eq!(execution.shortfall("yolox-nano", Provider::Cpu).unwrap(), "it runs on the CPU: no such device");
    }
}
