//! The text that `goodput serve` prints about a run.

/// vLLM's table, and below it what speaks for and against the run; a loud line above if it was simulated. Without a
/// trailing newline.
pub fn printed(simulated: bool, table: &str, below: &[String]) -> String {
    let simulated =
        simulated.then_some("SIMULATED: the built-in simulation answered, no real server");
    let below = below.iter().map(String::as_str);
    let parts: Vec<&str> = simulated.into_iter().chain([table]).chain(below).collect();
    parts.join("\n")
}
