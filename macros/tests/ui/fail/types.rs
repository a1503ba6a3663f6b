//! What only the type checker can know is said at the user's words.
use goodput::llm_bench;

#[llm_bench(requests = "7".len() as u32, stream = "yes".to_owned())]
fn settings() {}

#[llm_bench]
fn argument(_: &String) {}

#[llm_bench]
fn outcome() -> bool {
    true
}

#[llm_bench]
fn ignored_outcome() -> Result<bool, String> {
    Ok(false)
}

fn main() {}
