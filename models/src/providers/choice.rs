//! Which provider is used, and why: a pure function of what was asked for and what was found.

use serde::Serialize;

use super::{Precision, Provider, ProviderChoice};

/// What a site asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// Which provider.
    pub provider: ProviderChoice,
    /// In which numbers.
    pub precision: Precision,
}

impl Request {
    /// The CPU in 32-bit floats.
    pub const CPU: Self = Self { provider: ProviderChoice::Cpu, precision: Precision::Fp32 };
}

/// What was found out about one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The provider.
    pub provider: Provider,
    /// Whether a tiny model ran on it with the right answer.
    pub works: bool,
    /// Why it works or does not.
    pub reason: String,
}

/// The provider that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// What runs the models.
    pub provider: Provider,
    /// In which numbers.
    pub precision: Precision,
    /// Why this one.
    pub reason: String,
    /// Whether another was asked for and cannot be used.
    pub is_fallback: bool,
    /// What was found out, in the order of trying.
    pub candidates: Vec<Candidate>,
}

/// What hardware can do that providers do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hardware {
    /// The processor computes in bfloat16: AVX-512 BF16, which every processor with AMX BF16 has, too.
    pub(crate) has_bf16: bool,
}

impl Hardware {
    /// Of the machine itself.
    pub(crate) fn read() -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_bf16 = std::arch::is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        let has_bf16 = false;
        Self { has_bf16 }
    }
}

/// Chooses. `try_out` runs a tiny model on a provider in a precision, or says why that cannot be done.
pub(crate) fn choose(
    request: Request,
    hardware: Hardware,
    mut try_out: impl FnMut(Provider, Precision) -> Result<String, String>,
) -> Chosen {
    let mut candidates = Vec::new();
    let wanted = match request.provider.named() {
        Some(provider) => provider,
        // OpenVINO on the processor is no accelerator, and TensorRT compiles for minutes: both only when asked for.
        None => Provider::Cuda,
    };
    if wanted == Provider::Cpu {
        let note = match request.precision {
            Precision::Fp32 => String::new(),
            other => format!("; it computes in fp32, {other} needs another provider"),
        };
        let reason = format!("it is asked for{note}");
        return Chosen { provider: Provider::Cpu, precision: Precision::Fp32, reason, is_fallback: false, candidates };
    }
    let (precision, note) = supported(wanted, request.precision, hardware);
    match try_out(wanted, precision) {
        Ok(found) => {
            candidates.push(Candidate { provider: wanted, works: true, reason: found.clone() });
            let asked = if request.provider == ProviderChoice::Auto { "it is there" } else { "it is asked for" };
            let note = note.map(|note| format!("; {note}")).unwrap_or_default();
            let reason = format!("{asked}, and {found}{note}");
            Chosen { provider: wanted, precision, reason, is_fallback: false, candidates }
        }
        Err(why) => {
            candidates.push(Candidate { provider: wanted, works: false, reason: why.clone() });
            let is_fallback = request.provider != ProviderChoice::Auto;
            let reason = if is_fallback {
                format!("{wanted} cannot be used: {why}")
            } else {
                format!("no accelerator can be used ({wanted}: {why})")
            };
            Chosen { provider: Provider::Cpu, precision: Precision::Fp32, reason, is_fallback, candidates }
        }
    }
}

/// The precision that a provider really has, with a note where it is not the one asked for.
fn supported(provider: Provider, asked: Precision, hardware: Hardware) -> (Precision, Option<&'static str>) {
    match (provider, asked) {
        (Provider::OpenVino, Precision::Bf16) if !hardware.has_bf16 => {
            (Precision::Fp32, Some("in fp32, because this processor does not compute in bf16"))
        }
        (Provider::Cuda, Precision::Bf16 | Precision::Fp16) => {
            (Precision::Fp32, Some("in fp32, because CUDA computes as the model says; tensorrt takes the hint"))
        }
        _ => (asked, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH: Hardware = Hardware { has_bf16: true };
    const WITHOUT: Hardware = Hardware { has_bf16: false };

    fn request(provider: ProviderChoice, precision: Precision) -> Request {
        Request { provider, precision }
    }

    /// What trying out comes to where only some providers work.
    fn only(working: &[Provider]) -> impl FnMut(Provider, Precision) -> Result<String, String> {
        move |provider, _| {
            let works = working.contains(&provider);
            works.then(|| "a tiny model ran on it".to_owned()).ok_or_else(|| format!("the library has no {provider}"))
        }
    }

    #[test]
    fn auto_is_the_cpu_unless_a_gpu_is_really_there() {
        let chosen = choose(request(ProviderChoice::Auto, Precision::Fp32), WITH, only(&[Provider::OpenVino]));
        assert_eq!((chosen.provider, chosen.is_fallback), (Provider::Cpu, false));
        assert!(chosen.reason.contains("no cuda"), "{}", chosen.reason);
        let chosen = choose(request(ProviderChoice::Auto, Precision::Fp32), WITH, only(&Provider::ALL));
        assert_eq!((chosen.provider, chosen.is_fallback), (Provider::Cuda, false));
        assert_eq!(chosen.candidates.len(), 1);
    }

    #[test]
    fn a_named_provider_that_fails_is_a_fallback_with_its_reason() {
        let chosen = choose(request(ProviderChoice::OpenVino, Precision::Bf16), WITH, only(&[Provider::Cuda]));
        assert_eq!((chosen.provider, chosen.precision, chosen.is_fallback), (Provider::Cpu, Precision::Fp32, true));
        assert!(chosen.reason.contains("the library has no openvino"), "{}", chosen.reason);
    }

    #[test]
    fn the_cpu_is_never_tried_out_and_keeps_to_fp32() {
        let never = |provider, _| panic!("{provider} was tried");
        let chosen = choose(request(ProviderChoice::Cpu, Precision::Bf16), WITH, never);
        assert_eq!((chosen.provider, chosen.precision), (Provider::Cpu, Precision::Fp32));
        assert!(chosen.reason.contains("bf16 needs another provider"), "{}", chosen.reason);
    }

    #[test]
    fn a_precision_is_used_only_where_it_is_there() {
        for (provider, hardware, asked, used) in [
            (ProviderChoice::OpenVino, WITH, Precision::Bf16, Precision::Bf16),
            (ProviderChoice::OpenVino, WITHOUT, Precision::Bf16, Precision::Fp32),
            (ProviderChoice::Cuda, WITH, Precision::Fp16, Precision::Fp32),
            (ProviderChoice::TensorRt, WITHOUT, Precision::Fp16, Precision::Fp16),
        ] {
            let chosen = choose(request(provider, asked), hardware, only(&Provider::ALL));
            assert_eq!(chosen.precision, used, "{provider:?} {asked}");
            assert_eq!(chosen.reason.contains("in fp32"), asked != used, "{}", chosen.reason);
        }
    }
}
