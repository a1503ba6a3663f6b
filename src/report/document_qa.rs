//! The lines that vLLM's `benchmark_long_document_qa_throughput.py` prints.

use crate::run::Run;

/// These lines for a run of the dataset `long_document_qa` whose documents come in this order. The script times an engine
/// of its own process; here the times are those of requests to a server, from the first to the end of the last.
pub fn document_qa(run: &Run, mode: &str) -> String {
    let time = |seconds: f64| format!("Time to execute all requests: {seconds:.4} secs");
    // The script's `print` puts a space between its two arguments, the first of which ends in one.
    let mut lines = vec![format!("Repeat mode:  {mode}")];
    if let Some(warm_up) = run.warm_up {
        lines.push("------warm up------".to_owned());
        lines.push(time(warm_up.duration.as_secs_f64()));
    }
    lines.push("------start generating------".to_owned());
    lines.push(time(run.duration.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
        run::WarmUp,
    };

    #[test]
    fn lines_are_those_of_the_script() {
        let mut run = run_of(vec![record(0, &[100, 150], 2)]);
        run.duration = Nanos(1_234_560_000);
        let warm_up = WarmUp {
            requests: 8,
            failed: 0,
            duration: Nanos(2_000_000_000),
        };
        run.warm_up = Some(warm_up);
        assert_eq!(
            document_qa(&run, "tile"),
            "Repeat mode:  tile\n------warm up------\nTime to execute all requests: 2.0000 secs\n\
             ------start generating------\nTime to execute all requests: 1.2346 secs"
        );
    }
}
