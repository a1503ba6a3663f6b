//! Names of backends and of attribute keys.

/// A wire dialect's name as people write it.
pub const BACKENDS: &[&str] = &["openai", "vllm", "openai-chat"];
