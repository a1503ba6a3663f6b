//! From a bench to requests that are ready to go out.

use super::{
    Bench, align::Aligner, api_key::ApiKey, checked::Checked, classes, encode::Encoder, lora,
    made::made, party::Party, several, waiting::Waiting,
};
use crate::{
    address::Endpoint,
    backend::{Backend, WireOptions, by_name},
    client::{Body, Envelope},
    error::Error,
    grammar::names::BACKENDS,
    plan::{self, Plan, PlanSpec, PlannedRequest, Prompt, Salt, Shape},
    problem::Problem,
    redact,
    shard::Shard,
    sim::SimServer,
    stop::Stop,
    targets::{Place, Simulation},
    tokenizer::{Tokenizer, TokenizerSpec},
};
use hyper::Uri;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, atomic::AtomicBool},
};

/// What a run sends, worked out before it starts.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) model: String,
    pub(super) tokenizer: Tokenizer,
    pub(super) plan: Arc<Plan>,
    /// What all requests have in common, for each frontend.
    pub(super) envelopes: Vec<Envelope>,
    pub(super) options: WireOptions,
    /// Fits plans to the server's tokenizer.
    pub(super) aligner: Option<Aligner>,
    /// The processes that send the run, if there are several.
    pub(super) party: Option<Arc<Party>>,
    /// The signal that nothing more is to be made.
    stop: Stop,
}

impl Prepared {
    /// The headers of requests to the first frontend.
    pub(super) fn headers(&self) -> &HeaderMap {
        headers(&self.envelopes)
    }

    /// Fits the plan to the server's tokenizer, once the server is ready.
    pub(super) fn align(&mut self) {
        if let Some(aligner) = &self.aligner {
            aligner.align(Arc::make_mut(&mut self.plan));
        }
    }

    /// Another plan, fitted to the server's tokenizer.
    pub(super) fn aligned(&self, mut plan: Plan) -> Plan {
        if let Some(aligner) = &self.aligner {
            aligner.align(&mut plan);
        }
        plan
    }

    /// The lengths of the plan's first prompts by the server's count. `None` if the server does not answer.
    pub(super) fn lengths(&self) -> Option<Vec<u64>> {
        self.aligner.as_ref()?.lengths(&self.plan)
    }

    /// Prepares with the tokenizer of another server, so that both are asked the same.
    pub(super) fn with(
        bench: &Checked,
        place: &Place,
        tokenizer: Option<Tokenizer>,
        waiting: &mut Waiting<'_>,
    ) -> Result<Self, Error> {
        let backend = bench.wire.backend.clone().ok_or_else(|| {
            Error::Invalid(vec![Problem::new("backend", "", "no backend is set")])
        })?;
        let envelopes = bench.envelopes(&*backend, place)?;
        let headers = headers(&envelopes).clone();
        let (model, root) = bench.find_model(&*backend, place, &headers, waiting)?;
        let stop = waiting.control.stop.clone();
        let (maker, dialect, name) = (bench.clone(), backend.clone(), model.clone());
        let (tokenizer, plan) = made(&stop, move |unwanted| {
            let tokenizer = match tokenizer {
                Some(tokenizer) => tokenizer,
                None => maker.load_tokenizer(&[&root, &name])?,
            };
            let plan = maker.make_plan(&*dialect, &tokenizer, maker.load.seed, Some(unwanted))?;
            Ok((tokenizer, plan))
        })?;
        let options = WireOptions {
            model: model.clone(),
            stream: bench.wire.stream && backend.streams(),
            ignore_eos: bench.wire.ignore_eos.unwrap_or_else(|| {
                backend.ignores_eos()
                    && bench.load.dataset.ignores_eos()
                    && bench.wire.structured_output.is_none()
            }),
            logprobs: bench.wire.logprobs,
            ignoring_classes: bench.ignoring_classes(&*backend),
            extra_body: (*bench.wire.extra_body).clone(),
        };
        Ok(Prepared {
            aligner: bench.aligner(place, &tokenizer, &model, &headers, waiting.control),
            backend,
            model,
            tokenizer,
            plan: Arc::new(plan),
            envelopes,
            options,
            party: None,
            stop,
        })
    }

    /// The same requests with another plan.
    pub(super) fn with_plan(&self, plan: Plan) -> Self {
        Prepared {
            plan: Arc::new(plan),
            ..self.clone()
        }
    }

    /// A plan with another seed.
    pub(super) fn another(&self, bench: &Checked, seed: u64) -> Result<Plan, Error> {
        let bench = bench.clone();
        let (dialect, tokenizer) = (self.backend.clone(), self.tokenizer.clone());
        made(&self.stop, move |unwanted| {
            bench.make_plan(&*dialect, &tokenizer, seed, Some(unwanted))
        })
    }

    /// The part of the plan that this process sends.
    pub(super) fn shard(&self) -> Shard {
        self.party
            .as_ref()
            .map_or(Shard::WHOLE, |party| party.shard())
    }

    /// The body of each request of a plan, as long as the run is wanted. Requests of other shards have empty bodies, and so
    /// have turns that repeat what was said before: they are encoded during the run.
    pub(super) fn bodies_of(&self, plan: &Plan, shard: Shard) -> Vec<Body> {
        let wanted = |_: &(&PlannedRequest, bool)| !self.stop.is_requested();
        let requests = plan.requests.iter().zip(plan.sent_by(shard));
        let requests = requests.take_while(wanted);
        let mut encoder = Encoder::new(&*self.backend, &self.options).salted(plan.salt.as_ref());
        // A plan was checked when it was made: the backend takes all kinds of its prompts.
        requests
            .filter_map(|(request, ours)| match request.turn.as_deref() {
                _ if !ours => Some(Body::default()),
                Some(turn) if turn.history.is_some() => Some(Body::default()),
                _ => encoder.body_of(request),
            })
            .collect()
    }

    /// The body of a request, if the backend takes it.
    pub(super) fn body_of(&self, request: &PlannedRequest) -> Option<Body> {
        Encoder::new(&*self.backend, &self.options).body_of(request)
    }

    /// A simulated server that counts tokens as the plan does.
    pub(super) fn simulated(&self, simulation: &Simulation) -> Result<Arc<SimServer>, Error> {
        let tokenizer = self.tokenizer.clone();
        let count = move |text: &str| tokenizer.count(text, false).tokens;
        let server = SimServer::new(simulation.script().clone());
        match server.problems() {
            [] => Ok(Arc::new(server.count_tokens(count))),
            problems => Err(Error::Invalid(problems.to_vec())),
        }
    }
}

impl Bench {
    /// The plan, for `--dry-run`: nothing is started or sent.
    ///
    /// # Errors
    /// The settings, the tokenizer or the dataset are unusable.
    pub fn plan(&self) -> Result<Plan, Error> {
        let bench = self.clone().checked()?;
        let backend = bench.wire.backend.clone().ok_or_else(|| {
            Error::Invalid(vec![Problem::new("backend", "", "no backend is set")])
        })?;
        let model = bench.wire.model.clone().unwrap_or_default();
        let tokenizer = bench.load_tokenizer(&[&model])?;
        bench.make_plan(&*backend, &tokenizer, bench.load.seed, None)
    }
}

impl Checked {
    fn make_plan(
        &self,
        backend: &dyn Backend,
        tokenizer: &Tokenizer,
        seed: u64,
        unwanted: Option<&AtomicBool>,
    ) -> Result<Plan, Error> {
        let takes: Vec<Shape> = Shape::ALL
            .into_iter()
            .filter(|&shape| backend.takes(shape))
            .collect();
        let mut plan = plan::build(&PlanSpec {
            dataset: &self.load.dataset,
            arrivals: &self.load.arrivals(),
            requests: self.load.requests,
            duration: self.load.duration,
            seed,
            tokenizer,
            takes: &takes,
            request_id_prefix: &self.load.request_id_prefix,
            unwanted,
        })?;
        let shapes: BTreeSet<Shape> = plan
            .requests
            .iter()
            .flat_map(|request| request.prompt.shapes())
            .collect();
        let untaken = shapes.into_iter().filter(|shape| !backend.takes(*shape));
        let mut problems: Vec<Problem> = untaken
            .map(|shape| {
                let fix = format!(
                    "has {}, which the backend `{}` does not take. {}",
                    shape.name(),
                    backend.name(),
                    who_takes(shape)
                );
                Problem::new("dataset", shape.name(), fix)
            })
            .collect();
        let prompts = plan.requests.iter().map(|request| &request.prompt);
        problems.extend(several::problem(&self.wire.extra_body));
        let overrides = plan.requests.iter().map(|request| &request.overrides);
        problems.extend(overrides.filter_map(several::problem).take(1));
        let refused: BTreeSet<&str> = prompts.filter_map(|p| backend.refuses(p)).collect();
        problems.extend(refused.into_iter().map(|why| {
            let fix = format!("the backend {why}");
            Problem::new("dataset", backend.name(), fix)
        }));
        problems.extend(self.ask_for_structures(&mut plan, backend, seed));
        self.check_plan(&plan, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        lora::assign(&mut plan, &self.load.lora, seed);
        classes::assign(&mut plan, self.load.dataset.classes());
        plan.salt = self.salt_of(seed, tokenizer)?;
        if plan.salt.is_some()
            && plan
                .requests
                .iter()
                .any(|r| matches!(r.prompt, Prompt::Audio(_)))
        {
            let fix = "has no text to stand before: the dataset has recordings. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("salt", "(set)", fix)]));
        }
        Ok(plan)
    }

    /// The tokenizer that the bench names; else the model's own if it is on this machine, else the embedded one.
    /// The salt of a plan with this seed: another one for each segment, because their prompts may be the same.
    fn salt_of(&self, seed: u64, tokenizer: &Tokenizer) -> Result<Option<Salt>, Error> {
        let Some(salt) = &self.load.salt else {
            return Ok(None);
        };
        let text = match seed.wrapping_sub(self.load.seed) {
            0 => salt.clone(),
            segment => format!("{salt}-{segment}"),
        };
        Ok(Some(Salt::new(&text, tokenizer)?))
    }

    fn load_tokenizer(&self, models: &[&str]) -> Result<Tokenizer, Error> {
        if let Some(wish) = &self.wire.tokenizer {
            return Ok(Tokenizer::load(wish)?);
        }
        let own = models
            .iter()
            .filter(|name| !name.is_empty())
            .find_map(|name| Tokenizer::load(&TokenizerSpec::Named((*name).to_owned())).ok());
        match own {
            Some(tokenizer) => Ok(tokenizer),
            None => Ok(Tokenizer::load(&TokenizerSpec::default())?),
        }
    }

    /// Wire name of the model, and what it was loaded from if the server reports it.
    fn find_model(
        &self,
        backend: &dyn Backend,
        place: &Place,
        headers: &HeaderMap,
        waiting: &mut Waiting<'_>,
    ) -> Result<(String, String), Error> {
        if let Some(model) = &self.wire.model {
            return Ok((model.clone(), String::new()));
        }
        match place {
            Place::Simulation(simulation) => Ok((simulation.script().model.clone(), String::new())),
            Place::Service(_) if !backend.names_model() => Ok(Default::default()),
            Place::Service(_) => Err(Error::Invalid(vec![Problem::new(
                "model",
                "(missing)",
                "a service of this process is not asked for its models. Set `model`",
            )])),
            Place::Endpoint(endpoint) => {
                let inspector = self
                    .inspector(endpoint, waiting.control)
                    .map_err(Error::Target)?;
                match waiting.ask(|limit| inspector.first_model(headers.clone(), limit)) {
                    Ok(model) => Ok((model.id, model.root.unwrap_or_default())),
                    Err(Error::Target(_)) if !backend.names_model() && !waiting.is_over() => {
                        Ok(Default::default())
                    }
                    Err(why) => Err(why),
                }
            }
        }
    }

    /// What all requests to each frontend have in common; a target without an address has one.
    fn envelopes(&self, backend: &dyn Backend, place: &Place) -> Result<Vec<Envelope>, Error> {
        let places = match place {
            Place::Endpoint(endpoint) => {
                let frontends = endpoint.frontends().into_iter();
                frontends.map(Place::Endpoint).collect()
            }
            other => vec![other.clone()],
        };
        let envelope = |place: &Place| {
            Ok(Envelope {
                path: self.path(backend, place)?,
                headers: self.all_headers(backend, place)?,
            })
        };
        places.iter().map(envelope).collect()
    }

    fn path(&self, backend: &dyn Backend, place: &Place) -> Result<Uri, Error> {
        let endpoint = self
            .wire
            .endpoint
            .as_deref()
            .unwrap_or(backend.endpoint(self.wire.stream && backend.streams()));
        let path = match place {
            Place::Endpoint(Endpoint::Url(origin)) => {
                origin.path_of(endpoint, self.wire.endpoint.is_some())
            }
            _ => endpoint.to_owned(),
        };
        path.parse().map_err(|e| {
            let message = format!("is not a path ({e}). Write it like \"/v1/completions\"");
            Error::Invalid(vec![Problem::new(
                "endpoint",
                format!("{endpoint:?}"),
                message,
            )])
        })
    }

    /// Headers of every request: ours, then the user's, which win.
    fn all_headers(&self, backend: &dyn Backend, place: &Place) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        let host = match place {
            Place::Endpoint(Endpoint::Url(origin)) => origin.host_header(),
            _ => "localhost".to_owned(),
        };
        let host = HeaderValue::try_from(host).map_err(|_| {
            Error::Target("the target's host name has characters that no header may hold".into())
        })?;
        headers.insert(HOST, host);
        // A compressed answer comes in blocks, whose times are not those of tokens.
        let common = [
            (USER_AGENT, concat!("goodput/", env!("CARGO_PKG_VERSION"))),
            (ACCEPT, "*/*"),
            (ACCEPT_ENCODING, "identity"),
        ];
        for (name, value) in common {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for &(name, value) in backend.headers() {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        if let Some((name, key)) = self.authorization(backend, place)? {
            headers.insert(HeaderName::from_static(name), key);
        }
        headers.extend(self.wire.headers.clone());
        for (name, value) in &headers {
            if let Ok(value) = value.to_str() {
                redact::learn_header(name.as_str(), value);
            }
        }
        Ok(headers)
    }

    /// The header with the key, if there is a key.
    fn authorization(
        &self,
        backend: &dyn Backend,
        place: &Place,
    ) -> Result<Option<(&'static str, HeaderValue)>, Error> {
        match (&self.wire.api_key, place) {
            (Some(ApiKey::Variable(_)) | None, Place::Simulation(_)) => Ok(None),
            (Some(key), _) => key.header(backend).map(Some),
            (None, _) => ApiKey::usual(backend)
                .map(|key| key.header(backend))
                .transpose(),
        }
    }
}

/// Headers of the first of these envelopes, of which there is always one.
fn headers(envelopes: &[Envelope]) -> &HeaderMap {
    static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
    envelopes
        .first()
        .map_or(&NONE, |envelope| &envelope.headers)
}

/// `Use openai-chat or anthropic`: the backends that take prompts of this kind.
fn who_takes(shape: Shape) -> String {
    let takers = BACKENDS
        .iter()
        .filter(|name| by_name(name).is_some_and(|backend| backend.takes(shape)));
    let takers: Vec<String> = takers.map(|name| format!("`{name}`")).collect();
    match takers.split_last() {
        Some((last, [])) => format!("Use {last}"),
        Some((last, rest)) => format!("Use {} or {last}", rest.join(", ")),
        None => "Use another dataset".to_owned(),
    }
}
