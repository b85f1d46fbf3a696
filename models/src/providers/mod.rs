//! Execution providers: which processor runs a model, how that is chosen, and what happens when it fails.
//!
//! The CPU provider is always there and gives the same bits every time. Any other is used only after a tiny model ran
//! on it with the right answer, and a model whose provider fails goes on on the CPU: see [`Execution`].

mod choice;
mod execution;
mod probe;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use choice::{Candidate, Chosen, Request};
pub(crate) use choice::{Hardware, choose};
pub use execution::Execution;
pub(crate) use execution::Set;
pub(crate) use probe::{one_line, probe};

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// ONNX Runtime's own kernels; always there.
    Cpu,
    /// OpenVINO on the processor.
    OpenVino,
    /// CUDA on an NVIDIA GPU.
    Cuda,
    /// TensorRT on an NVIDIA GPU; what it cannot run goes to CUDA.
    TensorRt,
}

impl Provider {
    /// All, the CPU first.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::OpenVino, Self::Cuda, Self::TensorRt];

    /// The name by which site files and metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which provider a site wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProviderChoice {
    /// CUDA where a GPU and a library for it are really there, else the CPU.
    #[default]
    Auto,
    /// The CPU: the same bits every time.
    Cpu,
    /// OpenVINO.
    OpenVino,
    /// CUDA.
    Cuda,
    /// TensorRT.
    TensorRt,
}

impl ProviderChoice {
    /// The one provider that is meant, unless any will do.
    pub const fn named(self) -> Option<Provider> {
        match self {
            Self::Auto => None,
            Self::Cpu => Some(Provider::Cpu),
            Self::OpenVino => Some(Provider::OpenVino),
            Self::Cuda => Some(Provider::Cuda),
            Self::TensorRt => Some(Provider::TensorRt),
        }
    }
}

impl From<Provider> for ProviderChoice {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Cpu => Self::Cpu,
            Provider::OpenVino => Self::OpenVino,
            Provider::Cuda => Self::Cuda,
            Provider::TensorRt => Self::TensorRt,
        }
    }
}

impl FromStr for ProviderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let found = Provider::ALL.into_iter().find(|provider| provider.as_str() == text);
        found.map(Self::from).ok_or_else(|| "write auto, cpu, openvino, cuda or tensorrt".to_owned())
    }
}

/// The numbers in which a provider may compute. Weights and results are 32-bit floats in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Fp32,
    /// bfloat16 where the provider and the processor have it: OpenVINO and TensorRT.
    Bf16,
    /// 16-bit floats where the provider has them: TensorRT, and OpenVINO on processors that compute in them.
    Fp16,
}

impl Precision {
    /// The name by which site files call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::Fp32, Self::Bf16, Self::Fp16].into_iter().find(|precision| precision.as_str() == text);
        found.ok_or_else(|| "write fp32, bf16 or fp16".to_owned())
    }
}
