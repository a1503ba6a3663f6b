//! Notes of a report on the answers of a run, besides its numbers.

use crate::{
    backend::Backend,
    plan::{Plan, PlannedRequest},
    record::{CountSource, Record},
    run::{Run, ServerSide},
};

/// Name of the tokenizer that goodput embeds, which belongs to no model.
const EMBEDDED: &str = "embedded";

/// Answers are far beyond what was asked for if they have this many times the tokens, and more than a
/// few tokens more.
const FAR_BEYOND: u64 = 2;
const A_FEW: u64 = 16;

/// The same limit by a count that is not the server's: a tokenizer other than the model's finds several times its
/// tokens.
const FAR_BEYOND_COUNTED_HERE: u64 = 16;

/// Notes on the answers of this run.
pub(super) fn on(run: &Run) -> Vec<String> {
    [retried(run), far_beyond(run), counted_elsewhere(run)]
        .into_iter()
        .flatten()
        .collect()
}

/// The field by which vLLM is asked for structures, and vLLM's name on pages `/metrics`.
const FIELD: &str = "structured_outputs";
const ENGINE: &str = "vLLM";

/// A note on a server that is not vLLM and is asked for structures by vLLM's field. Such servers ignore fields that they do
/// not know, and answer as if no structure was asked for.
pub(super) fn ignored_structure(
    plan: &Plan,
    backend: &dyn Backend,
    server: Option<&ServerSide>,
) -> Option<String> {
    let server = server?;
    let by_models = || {
        let owner = server.about.get("owned_by")?;
        (owner == "llamacpp").then(|| "llama.cpp".to_owned())
    };
    let engine = server.engine.clone().or_else(by_models)?;
    let asks = |request: &PlannedRequest| {
        let asked = request.structure.as_deref().filter(|asked| asked.sent)?;
        backend.structured(&asked.structure)?.get(FIELD).map(drop)
    };
    let asked = plan.requests.iter().any(|request| asks(request).is_some());
    (asked && engine != ENGINE).then(|| {
        format!(
            "the server is {engine}, and the backend `{}` asks for structures by `{FIELD}`, a field of vLLM that other \
             servers ignore. Take the backend for {engine}, or ask for a schema by `json(…, response_format)`",
            backend.name()
        )
    })
}

fn retried(run: &Run) -> Option<String> {
    let retried = run.records.iter().filter(|record| record.retried).count();
    let requests = match retried {
        0 => return None,
        1 => "1 request was sent a second time, because the server closed the idle connection that it was"
            .to_owned(),
        many => format!(
            "{many} requests were sent a second time, because the server closed the idle connections \
             that they were"
        ),
    };
    Some(format!(
        "{requests} first sent on before it answered a byte; their times count from the first sending"
    ))
}

fn far_beyond(run: &Run) -> Option<String> {
    let is_beyond = |record: &&Record| {
        let asked = record.asked;
        let times = match record.output.source {
            CountSource::Usage => FAR_BEYOND,
            _ => FAR_BEYOND_COUNTED_HERE,
        };
        let most = asked.saturating_mul(times).max(asked.saturating_add(A_FEW));
        record.ok() && asked > 0 && record.output.tokens > most
    };
    let beyond: Vec<&Record> = run.records.iter().filter(is_beyond).collect();
    let most = beyond.iter().max_by_key(|record| record.output.tokens)?;
    let (counted_by, or) = match most.output.source {
        CountSource::Usage => ("by the server's count ", "counts wrongly"),
        _ => ("", "its model's tokenizer differs from the one here"),
    };
    Some(format!(
        "{} of {} answers have far more tokens {counted_by}than were asked for, up to {} where {} \
         were: the server ignores the length, or {or}. Tokens per second and TPOT are as wrong",
        beyond.len(),
        run.records.len(),
        most.output.tokens,
        most.asked
    ))
}

fn counted_elsewhere(run: &Run) -> Option<String> {
    if run.setup.simulated || run.setup.tokenizer.as_deref() != Some(EMBEDDED) {
        return None;
    }
    let counted_here =
        |record: &&Record| record.ok() && record.output.source == CountSource::Tokenizer;
    let count = run.records.iter().filter(counted_here).count();
    (count > 0).then(|| {
        format!(
            "{count} of {} answers do not state their number of tokens. The embedded tokenizer \
             counted them, which is not the model's, so output tokens, tokens per second and TPOT \
             are estimates. Set `tokenizer` to the model's",
            run.records.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::by_name,
        bench::Bench,
        metrics::testing::{record, run_of},
    };
    use rstest::rstest;

    /// A run of one record like this.
    fn remarks(change: impl FnOnce(&mut Record)) -> Vec<String> {
        let mut record = record(0, &[10, 20], 2);
        change(&mut record);
        let mut run = run_of(vec![record]);
        run.setup.tokenizer = Some(EMBEDDED.to_owned());
        on(&run)
    }

    #[test]
    fn an_ordinary_run_has_none() {
        let remarks = remarks(|record| {
            record.asked = 2;
            record.output.source = CountSource::Usage;
        });
        assert_eq!(remarks, Vec::<String>::new());
    }

    #[test]
    fn what_is_odd_is_said() {
        let found = remarks(|record| record.retried = true);
        assert!(
            found
                .iter()
                .any(|text| text.starts_with("1 request was sent a second time")),
            "{found:?}"
        );
        let found = remarks(|record| {
            record.asked = 8;
            record.output.tokens = 10_000_001;
            record.output.source = CountSource::Usage;
        });
        assert!(
            found[0].contains("up to 10000001 where 8 were"),
            "{found:?}"
        );
        let found = remarks(|record| record.output.source = CountSource::Tokenizer);
        assert!(found[0].contains("not the model's"), "{found:?}");
        // Another tokenizer may well find eight times the tokens.
        let counted = |tokens: u64| {
            remarks(|record| {
                record.asked = 8;
                record.output.tokens = tokens;
                record.output.source = CountSource::Tokenizer;
            })
        };
        assert_eq!(counted(64).len(), 1);
        let found = counted(3_000_001);
        assert!(
            found[0].contains("far more tokens than were asked for, up to 3000001 where 8 were"),
            "{found:?}"
        );
    }

    /// Who is asked by vLLM's field without being vLLM.
    #[rstest]
    #[case::by_metrics(
        "openai-chat",
        "grammar('root ::= \"a\"')",
        Some("llama.cpp"),
        None,
        true
    )]
    #[case::by_models("openai", "choice(a, b)", None, Some("llamacpp"), true)]
    #[case::openais_field(
        "openai-chat",
        "json({}, response_format)",
        Some("llama.cpp"),
        None,
        false
    )]
    #[case::its_own_field("llama.cpp", "json({})", Some("llama.cpp"), None, false)]
    #[case::vllm("openai-chat", "choice(a, b)", Some("vLLM"), Some("vllm"), false)]
    #[case::unknown("openai-chat", "choice(a, b)", None, Some("me"), false)]
    fn a_field_that_a_server_ignores_is_said(
        #[case] backend: &str,
        #[case] structure: &str,
        #[case] engine: Option<&str>,
        #[case] owner: Option<&str>,
        #[case] said: bool,
    ) {
        let bench = Bench::new("asks").backend(backend).requests(2);
        let plan = bench.structured_output(structure).plan().unwrap();
        let about = owner.map(|owner| ("owned_by".to_owned(), owner.to_owned()));
        let server = ServerSide {
            engine: engine.map(str::to_owned),
            about: about.into_iter().collect(),
            ..ServerSide::default()
        };
        let backend = by_name(backend).unwrap();
        let note = ignored_structure(&plan, &*backend, Some(&server));
        assert_eq!(note.is_some(), said, "{note:?}");
    }
}
