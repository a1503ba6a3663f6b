//! Step costs and KV space of well-known models on well-known GPUs, by a roofline.
//!
//! Nothing here was measured. With the parameters `P` of a model at 2 bytes each, the bytes of keys
//! and values a token `K`, and a GPU's memory bandwidth `B` and dense 16-bit peak `F`:
//!
//! * every step reads all weights once: `t0 = 2·P / (0.8·B)`;
//! * a token takes a multiplication and an addition a parameter: `tp = td = 2·P / (0.5·F)`;
//! * a decoding sequence reads its keys and values: `tk = K / (0.8·B)`;
//! * 90 % of the memory without the weights is KV space: `(0.9·M − 2·P) / K` tokens.
//!
//! 0.8 and 0.5 are assumptions (shares of the bandwidth and of the peak that kernels reach), 0.9 is
//! vLLM's long-standing default of `gpu_memory_utilization`. Memory and compute are added, as if
//! they never overlapped: at most twice the roofline itself, which takes the larger of the two.
//! Prefill attention, which grows with the square of the prompt, activations, drafting and the
//! traffic between GPUs cost nothing.

use super::StepCost;
use crate::{Mistake, mistake};

/// A model, as its published configuration says.
struct Model {
    name: &'static str,
    /// Parameters, in millions.
    parameters: u64,
    /// Bytes of keys and values a token: 2 · layers · KV heads · head dimension · 2 bytes.
    kv_bytes: u64,
}

const MODELS: &[Model] = &[
    Model {
        name: "llama-3.2-1b",
        parameters: 1_236,
        kv_bytes: 2 * 16 * 8 * 64 * 2,
    },
    Model {
        name: "qwen2.5-7b",
        parameters: 7_616,
        kv_bytes: 2 * 28 * 4 * 128 * 2,
    },
    Model {
        name: "llama-3-8b",
        parameters: 8_030,
        kv_bytes: 2 * 32 * 8 * 128 * 2,
    },
    Model {
        name: "llama-3-70b",
        parameters: 70_554,
        kv_bytes: 2 * 80 * 8 * 128 * 2,
    },
];

/// A GPU, as its data sheet says.
struct Gpu {
    name: &'static str,
    /// Memory, in units of 10⁹ bytes.
    memory: u64,
    /// Memory bandwidth, in units of 10⁹ bytes a second.
    bandwidth: u64,
    /// Dense bf16 peak, in units of 10¹² operations a second.
    peak: u64,
}

const GPUS: &[Gpu] = &[
    Gpu {
        name: "l4",
        memory: 24,
        bandwidth: 300,
        peak: 121,
    },
    Gpu {
        name: "a100",
        memory: 80,
        bandwidth: 2_039,
        peak: 312,
    },
    Gpu {
        name: "h100",
        memory: 80,
        bandwidth: 3_350,
        peak: 989,
    },
    Gpu {
        name: "h200",
        memory: 141,
        bandwidth: 4_800,
        peak: 989,
    },
];

/// What a preset comes to.
pub(super) struct Preset {
    pub(super) cost: StepCost,
    /// Tokens whose keys and values fit.
    pub(super) kv_tokens: u64,
}

/// The preset that states no model: 10 ms a step, and vLLM-sized KV space.
const LINEAR: Preset = Preset {
    cost: StepCost {
        t0: 10_000_000_000,
        tp: 0,
        td: 0,
        tk: 0,
    },
    kv_tokens: 1 << 18,
};

/// `linear`, `model@gpu` or `model@gpuxN` for N of them.
pub(super) fn find(text: &str) -> Result<Preset, Mistake> {
    if text == "linear" {
        return Ok(LINEAR);
    }
    let Some((model, place)) = text.split_once('@') else {
        return Err(Mistake::new(match mistake::closest(text, &names()) {
            Some(model) => format!("engine `{text}` names no GPU; write `{model}@h100`"),
            None => format!(
                "unknown engine `{text}`; write a model and a GPU, such as `llama-3-8b@h100`, or \
                 `linear`. Models: {}. GPUs: {}",
                names().join(", "),
                gpus().join(", ")
            ),
        }));
    };
    let model = MODELS
        .iter()
        .find(|known| known.name == model)
        .ok_or_else(|| Mistake::unknown("model of an engine", model, &names()))?;
    let known = |name: &str| GPUS.iter().find(|known| known.name == name);
    // The number comes after the last `x`; a name alone is one GPU.
    let several = place
        .rsplit_once('x')
        .and_then(|(name, count)| Some((known(name)?, count)));
    let (gpu, count) = match (known(place), several) {
        (Some(gpu), _) => (gpu, 1),
        (None, Some((gpu, count))) => match count.parse::<u64>() {
            Ok(count @ 1..=8) => (gpu, count),
            _ => {
                return Err(Mistake::new(format!(
                    "engine `{text}`: `x{count}` is not a number of GPUs from 1 to 8; write \
                     `{}@{}x2`",
                    model.name, gpu.name
                )));
            }
        },
        (None, None) => return Err(Mistake::unknown("GPU of an engine", place, &gpus())),
    };
    roofline(model, gpu, count)
}

fn roofline(model: &Model, gpu: &Gpu, count: u64) -> Result<Preset, Mistake> {
    let weights = 2 * model.parameters * 1_000_000;
    let usable = count * gpu.memory * 900_000_000;
    let Some(left) = usable.checked_sub(weights).filter(|left| *left > 0) else {
        let enough = (1..=8).find(|n| n * gpu.memory * 900_000_000 > weights);
        let advice = match enough {
            Some(enough) => format!("write `{}@{}x{enough}`", model.name, gpu.name),
            None => "take a larger GPU".to_owned(),
        };
        return Err(Mistake::new(format!(
            "{} has {} GB of weights, more than 90 % of {count} × {} GB; {advice}",
            model.name,
            weights.div_ceil(1_000_000_000),
            gpu.memory
        )));
    };
    // Picoseconds: 10⁹ bytes a second are a byte in 1,000 ps, 10¹² operations a second one in 1 ps.
    let bandwidth = 0.8 * (count * gpu.bandwidth) as f64 / 1_000.0;
    let peak = 0.5 * (count * gpu.peak) as f64;
    let token = (2.0 * model.parameters as f64 * 1e6 / peak).round() as u64;
    Ok(Preset {
        cost: StepCost {
            t0: (weights as f64 / bandwidth).round() as u64,
            tp: token,
            td: token,
            tk: (model.kv_bytes as f64 / bandwidth).round() as u64,
        },
        kv_tokens: left / model.kv_bytes,
    })
}

fn names() -> Vec<&'static str> {
    MODELS.iter().map(|model| model.name).collect()
}

fn gpus() -> Vec<&'static str> {
    GPUS.iter().map(|gpu| gpu.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn llama_on_an_h100_is_what_the_roofline_says() {
        let preset = find("llama-3-8b@h100").unwrap();
        // 16.06 GB at 2.68 TB/s; 16.06 GFLOP at 494.5 TFLOP/s; 128 KiB at 2.68 TB/s.
        assert_eq!(
            preset.cost,
            StepCost {
                t0: 5_992_537_313,
                tp: 32_477_250,
                td: 32_477_250,
                tk: 48_907,
            }
        );
        // (72 − 16.06) GB of 131,072 bytes a token.
        assert_eq!(preset.kv_tokens, 426_788);
    }

    #[test]
    fn two_gpus_halve_the_times() {
        let (one, two) = (find("qwen2.5-7b@l4"), find("qwen2.5-7b@l4x2"));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!((one.cost.t0 as f64 / two.cost.t0 as f64 - 2.0).abs() < 1e-6);
        assert!(two.kv_tokens > 2 * one.kv_tokens);
    }

    #[rstest]
    #[case(
        "llama-3-8b",
        "engine `llama-3-8b` names no GPU; write `llama-3-8b@h100`"
    )]
    #[case(
        "gpt",
        "unknown engine `gpt`; write a model and a GPU, such as `llama-3-8b@h100`, or `linear`. \
         Models: llama-3.2-1b, qwen2.5-7b, llama-3-8b, llama-3-70b. GPUs: l4, a100, h100, h200"
    )]
    #[case(
        "lama-3-8b@h100",
        "unknown model of an engine `lama-3-8b`; did you mean `llama-3-8b`? Valid: llama-3.2-1b, \
         qwen2.5-7b, llama-3-8b, llama-3-70b"
    )]
    #[case(
        "llama-3-8b@h10",
        "unknown GPU of an engine `h10`; did you mean `h100`? Valid: l4, a100, h100, h200"
    )]
    #[case(
        "llama-3-8b@h100x0",
        "engine `llama-3-8b@h100x0`: `x0` is not a number of GPUs from 1 to 8; write \
         `llama-3-8b@h100x2`"
    )]
    #[case(
        "llama-3-70b@h100",
        "llama-3-70b has 142 GB of weights, more than 90 % of 1 × 80 GB; write `llama-3-70b@h100x2`"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(find(text).err(), Some(Mistake::new(said)));
    }
}
