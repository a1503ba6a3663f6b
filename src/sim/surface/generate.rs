//! Answers to requests that cost the model work.

use super::{EPOCH, check_model, json_response, length, response};
use crate::{
    clock::{Clock, Nanos},
    sim::{
        dialect::{Answer, ParsedRequest},
        disturb::Disturbed,
        engine::{Job, Stall, Ticket, TooLong},
        hang_up::HangUp,
        http_faults,
        pace::Body,
        prefix,
        refusal::Refusal,
        server::SimServer,
        stall,
        streamed::Streamed,
        structured::{Maker, Wording},
        telemetry::Progress,
        tokens::TokenSource,
    },
};
use goodput_grammar::fault::Kind;
use http_body_util::BodyExt;
use hyper::{HeaderMap, Response, header::HeaderValue};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One request and what serves it.
pub(super) struct Call<'a> {
    pub(super) server: &'a Arc<SimServer>,
    pub(super) clock: &'a Clock,
    pub(super) arrival: Nanos,
    pub(super) hang_up: &'a HangUp,
    pub(super) headers: &'a HeaderMap,
}

impl Call<'_> {
    pub(super) async fn answer(&self, mut asked: ParsedRequest) -> Result<Response<Body>, Refusal> {
        let server = self.server;
        check_model(server, asked.model.as_deref())?;
        let prompts = asked.inputs.iter();
        let prompts: Vec<u64> = prompts
            .map(|input| length::counted(server, input))
            .collect::<Result<_, _>>()?;
        let maker = asked
            .structure
            .take()
            .map(|structure| server.maker(structure))
            .transpose()?;
        let mut wording = maker
            .map(|maker| self.wording_of(&maker, &asked))
            .transpose()?;
        if let Some(engine) = server.engine() {
            let limit = engine.config().max_model_len();
            for &prompt in &prompts {
                TooLong::check(limit, prompt.max(1), asked.max_tokens).map_err(too_long)?;
            }
        }
        let accepted = server.accept(self.arrival, self.clock);
        let faults = server.faults(accepted.ordinal, self.arrival);
        // A refused request costs no step, because the engine has not seen it yet.
        if let Some(response) = http_faults::instead(&faults, self.clock, self.arrival).await {
            return Ok(response);
        }
        if faults.contains(&Kind::InvalidAnswer) {
            wording = None;
        } else if let Some(wording) = &wording {
            asked.max_tokens = wording.tokens();
        }
        let stalls = stall::stalls(&faults, asked.max_tokens);
        let tickets = self.submit(&asked, &prompts, &stalls)?;
        let prompt_tokens = prompts.iter().sum();
        let cached = match &tickets[..] {
            [only] => Some(only.cached().clone()),
            _ => None,
        };
        let source = self.source(tickets, accepted.ordinal, prompt_tokens)?;
        let progress = self.progress(prompt_tokens, asked.max_tokens);
        let stream = asked.stream;
        let answer = self
            .wording(asked, prompt_tokens, accepted.ordinal)
            .saying(wording)
            .cached(cached);
        if !faults.is_empty() {
            let disturbed = Disturbed::new(answer, faults);
            let served = http_faults::Serving {
                accepted,
                arrival: self.arrival,
                clock: self.clock.clone(),
                hang_up: self.hang_up.clone(),
                progress,
            };
            return Ok(served.answer(disturbed, source, stream).await);
        }
        if stream {
            let media = answer.media();
            let body = Streamed::new(source, answer, progress, accepted);
            return Ok(response(media, body.boxed_unsync()));
        }
        Ok(whole(answer, source, progress).await)
    }

    /// A text with the structure that a request asks for, of as many tokens as it may have. The same request gets the same
    /// text, by its id or else by its prompt.
    fn wording_of(&self, maker: &Maker, asked: &ParsedRequest) -> Result<Wording, Refusal> {
        let id = self
            .headers
            .get("x-request-id")
            .map(|id| id.as_bytes().to_vec());
        let key = id.unwrap_or_else(|| format!("{:?}", asked.inputs).into_bytes());
        let seed = xxh3_64_with_seed(&key, self.server.script.seed);
        let text = maker.text(seed)?;
        Ok(if asked.ignore_eos {
            Wording::endless(&text, asked.max_tokens)
        } else {
            Wording::new(&text, asked.max_tokens)
        })
    }

    /// The counters of a generation of a script. An engine counts its own.
    fn progress(&self, prompt_tokens: u64, tokens: u64) -> Option<Progress> {
        let telemetry = self.server.telemetry();
        let scripted = self.server.engine().is_none();
        scripted.then(|| Progress::new(telemetry, self.arrival, prompt_tokens, tokens))
    }

    fn wording(&self, asked: ParsedRequest, prompt_tokens: u64, ordinal: u64) -> Answer {
        let script = &self.server.script;
        let id = match self.headers.get("x-request-id").map(HeaderValue::to_str) {
            Some(Ok(id)) => id.to_owned(),
            _ => format!(
                "{:016x}",
                xxh3_64_with_seed(&ordinal.to_be_bytes(), script.seed)
            ),
        };
        let created = EPOCH + self.arrival.0 / 1_000_000_000;
        let model = asked.model.as_deref().unwrap_or(&script.model);
        Answer::new(
            asked.form,
            &id,
            created,
            model,
            asked.max_tokens,
            prompt_tokens,
        )
        .usage(asked.usage)
        .token_ids(self.server.word_ids())
        .arrived(self.arrival)
    }

    /// The source of the tokens.
    fn source(
        &self,
        mut tickets: Vec<Ticket>,
        ordinal: u64,
        prompt_tokens: u64,
    ) -> Result<TokenSource, Refusal> {
        Ok(match tickets.pop() {
            Some(only) if tickets.is_empty() => TokenSource::Engine(only),
            Some(last) => {
                tickets.push(last);
                TokenSource::Prefills(tickets, Nanos(0))
            }
            None => TokenSource::scripted(
                self.server.latencies().map_err(Refusal::internal)?,
                ordinal,
                prompt_tokens,
                self.arrival,
                self.clock,
            ),
        })
    }

    /// Hands the prompts to the engine, if there is one.
    fn submit(
        &self,
        asked: &ParsedRequest,
        prompts: &[u64],
        stalls: &[Stall],
    ) -> Result<Vec<Ticket>, Refusal> {
        let Some(engine) = self.server.engine() else {
            return Ok(Vec::new());
        };
        let model = asked.model.as_deref();
        let adapters = self.server.adapters().iter();
        let lora = adapters
            .map(String::as_str)
            .position(|name| Some(name) == model);
        let jobs = asked
            .inputs
            .iter()
            .zip(prompts)
            .map(|(input, &tokens)| Job {
                prompt_tokens: tokens,
                block_hashes: prefix::block_hashes(input, engine.config().block_size, lora),
                max_output: asked.max_tokens,
                priority: asked.priority,
                lora,
                stalls: stalls.to_vec(),
            });
        jobs.map(|job| {
            engine
                .submit(self.clock, self.arrival, job)
                .map_err(too_long)
        })
        .collect()
    }
}

async fn whole(
    mut answer: Answer,
    source: TokenSource,
    progress: Option<Progress>,
) -> Response<Body> {
    let ready = source.all(answer.tokens()).await;
    let mut progress = progress;
    for (at, tokens) in ready {
        answer.ready(at);
        if let Some(progress) = &mut progress {
            progress.tokens(at, tokens);
        }
    }
    json_response(answer.whole())
}

fn too_long(error: TooLong) -> Refusal {
    Refusal::bad_request("max_tokens", error.to_string())
}
