//! Embeddings, reranking, scoring, pooling and classification: vLLM's answers without text. They are invented, but
//! the same input always has the same answer.

use super::{
    Form, ParsedRequest, UsageEvents,
    facts::Facts,
    json,
    parsed::{Input, Message, Messages, Prompt},
    template::Template,
};
use crate::sim::refusal::Refusal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Numbers in a vector, unless the request says otherwise.
const DIMENSIONS: usize = 384;

/// The largest number of numbers in a vector.
const MAX_DIMENSIONS: usize = 1 << 16;

/// The classes of `/classify`.
const CLASSES: [&str; 2] = ["LABEL_0", "LABEL_1"];

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    input: Option<Prompt>,
    messages: Option<Vec<Message>>,
    encoding_format: Option<String>,
    dimensions: Option<usize>,
    priority: Option<i64>,
}

pub(super) fn read_embeddings(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    read_inputs(body, |inputs, base64, dimensions| Kind::Embeddings {
        vectors: inputs.iter().map(|i| vector(i, dimensions)).collect(),
        base64,
    })
}

pub(super) fn read_pooling(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    read_inputs(body, |inputs, base64, dimensions| Kind::Pooling {
        vectors: inputs.iter().map(|i| vector(i, dimensions)).collect(),
        base64,
    })
}

pub(super) fn read_classify(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    read_inputs(body, |inputs, _, _| {
        Kind::Classes(inputs.iter().map(share).collect())
    })
}

fn read_inputs(
    body: &[u8],
    kind: impl FnOnce(&[Input], bool, usize) -> Kind,
) -> Result<ParsedRequest, Refusal> {
    let body: Body = json::parse(body)?;
    let inputs = match (body.input, &body.messages) {
        (Some(prompt), _) => prompt.checked()?,
        (None, Some(messages)) => vec![messages.text()],
        (None, None) => return Err(Refusal::missing("input")),
    };
    let base64 = match body.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("encoding_format must be 'float' or 'base64', got '{other}'.");
            return Err(Refusal::bad_request("encoding_format", message));
        }
    };
    let dimensions = body.dimensions.unwrap_or(DIMENSIONS);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        let message = format!("dimensions must be from 1 to {MAX_DIMENSIONS}, got {dimensions}.");
        return Err(Refusal::bad_request("dimensions", message));
    }
    let kind = kind(&inputs, base64, dimensions);
    Ok(asked(body.model, inputs, body.priority, kind))
}

/// A document, by itself or wrapped.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Document {
    Text(String),
    Wrapped { text: String },
}

impl Document {
    fn text(&self) -> &str {
        match self {
            Document::Text(text) | Document::Wrapped { text } => text,
        }
    }
}

#[derive(Deserialize)]
struct RerankBody {
    model: Option<String>,
    query: Option<Document>,
    documents: Option<Vec<Document>>,
    top_n: Option<usize>,
    priority: Option<i64>,
}

pub(super) fn read_rerank(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let body: RerankBody = json::parse(body)?;
    let query = body.query.ok_or_else(|| Refusal::missing("query"))?;
    let documents = body
        .documents
        .ok_or_else(|| Refusal::missing("documents"))?;
    if documents.is_empty() {
        let message = "documents must have at least one element.";
        return Err(Refusal::bad_request("documents", message));
    }
    let inputs: Vec<Input> = documents.iter().map(|d| pair(&query, d)).collect();
    let mut ranks: Vec<(usize, String, f64)> = documents
        .iter()
        .zip(&inputs)
        .enumerate()
        .map(|(index, (document, input))| (index, document.text().to_owned(), share(input)))
        .collect();
    ranks.sort_by(|(_, _, a), (_, _, b)| b.total_cmp(a));
    // 0 is all, as in vLLM.
    if let Some(top) = body.top_n.filter(|&top| top > 0) {
        ranks.truncate(top);
    }
    Ok(asked(body.model, inputs, body.priority, Kind::Ranks(ranks)))
}

#[derive(Deserialize)]
struct ScoreBody {
    model: Option<String>,
    #[serde(alias = "queries", alias = "data_1")]
    text_1: Option<Documents>,
    #[serde(alias = "documents", alias = "data_2")]
    text_2: Option<Documents>,
    priority: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Documents {
    One(Document),
    Several(Vec<Document>),
}

impl Documents {
    fn all(self) -> Vec<Document> {
        match self {
            Documents::One(document) => vec![document],
            Documents::Several(documents) => documents,
        }
    }
}

pub(super) fn read_score(body: &[u8]) -> Result<ParsedRequest, Refusal> {
    let body: ScoreBody = json::parse(body)?;
    let first = body.text_1.ok_or_else(|| Refusal::missing("text_1"))?.all();
    let second = body.text_2.ok_or_else(|| Refusal::missing("text_2"))?.all();
    let inputs: Vec<Input> = match (first.as_slice(), second.as_slice()) {
        ([one], [_, ..]) => second.iter().map(|other| pair(one, other)).collect(),
        ([_, ..], [_, ..]) if first.len() == second.len() => {
            first.iter().zip(&second).map(|(a, b)| pair(a, b)).collect()
        }
        _ => {
            let message = format!(
                "text_1 and text_2 must be of equal length, or text_1 a single text; got {} and {}.",
                first.len(),
                second.len()
            );
            return Err(Refusal::bad_request("text_1", message));
        }
    };
    let scores = inputs.iter().map(share).collect();
    Ok(asked(
        body.model,
        inputs,
        body.priority,
        Kind::Scores(scores),
    ))
}

/// What a cross-encoder reads: both at once.
fn pair(query: &Document, document: &Document) -> Input {
    Input::Text(format!("{}\n{}", query.text(), document.text()))
}

fn asked(
    model: Option<String>,
    inputs: Vec<Input>,
    priority: Option<i64>,
    kind: Kind,
) -> ParsedRequest {
    ParsedRequest {
        model,
        inputs,
        // Through an engine, that of the prefill.
        max_tokens: 1,
        stream: false,
        usage: UsageEvents::Never,
        priority: priority.unwrap_or(0),
        structure: None,
        ignore_eos: false,
        form: Box::new(Pooled(kind)),
    }
}

fn draws(input: &Input) -> Pcg64Mcg {
    let seed = match input {
        Input::Text(text) => xxh3_64_with_seed(text.as_bytes(), 0),
        Input::Tokens(ids) => {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
            xxh3_64_with_seed(&bytes, 1)
        }
    };
    Pcg64Mcg::seed_from_u64(seed)
}

/// A vector of length 1 that depends on the input alone.
fn vector(input: &Input, dimensions: usize) -> Vec<f32> {
    let mut draws = draws(input);
    let mut vector: Vec<f32> = (0..dimensions)
        .map(|_| draws.random_range(-1.0..1.0))
        .collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

/// A number in [0, 1) that depends on the input alone.
fn share(input: &Input) -> f64 {
    draws(input).random()
}

/// A vector as vLLM encodes it: 32-bit floats, little-endian.
fn encoded(vector: &[f32], base64: bool) -> Value {
    if base64 {
        let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        STANDARD.encode(bytes).into()
    } else {
        vector.into()
    }
}

/// What the answer says about the inputs.
#[derive(Debug)]
enum Kind {
    Embeddings {
        vectors: Vec<Vec<f32>>,
        base64: bool,
    },
    Pooling {
        vectors: Vec<Vec<f32>>,
        base64: bool,
    },
    /// The share of the second class.
    Classes(Vec<f64>),
    Scores(Vec<f64>),
    /// Place, document and score, the best first.
    Ranks(Vec<(usize, String, f64)>),
}

#[derive(Debug)]
struct Pooled(Kind);

impl Pooled {
    fn data(&self) -> Vec<Value> {
        match &self.0 {
            Kind::Embeddings { vectors, base64 } => items(
                vectors,
                |index, vector| json!({"index": index, "object": "embedding", "embedding": encoded(vector, *base64)}),
            ),
            Kind::Pooling { vectors, base64 } => items(
                vectors,
                |index, vector| json!({"index": index, "object": "pooling", "data": encoded(vector, *base64)}),
            ),
            Kind::Scores(scores) => items(
                scores,
                |index, score| json!({"index": index, "object": "score", "score": score}),
            ),
            Kind::Classes(shares) => items(shares, |index, &share| {
                let label = CLASSES[usize::from(share >= 0.5)];
                json!({
                    "index": index,
                    "label": label,
                    "probs": [1.0 - share, share],
                    "num_classes": CLASSES.len(),
                })
            }),
            Kind::Ranks(ranks) => items(ranks, |_, (index, document, score)| {
                json!({
                    "index": index,
                    "document": {"text": document, "multi_modal": null},
                    "relevance_score": score,
                })
            }),
        }
    }
}

fn items<T>(all: &[T], item: impl Fn(usize, &T) -> Value) -> Vec<Value> {
    all.iter()
        .enumerate()
        .map(|(index, one)| item(index, one))
        .collect()
}

fn usage(facts: &Facts) -> Value {
    json!({
        "prompt_tokens": facts.prompt_tokens,
        "total_tokens": facts.prompt_tokens,
        "completion_tokens": 0,
        "prompt_tokens_details": null,
        "completion_tokens_details": null,
    })
}

impl Form for Pooled {
    fn text_key(&self) -> &'static str {
        "object"
    }

    fn token(&self, _facts: &Facts, _last: bool) -> Template {
        Template::default()
    }

    fn closing(&self, _facts: &mut Facts, _generated: u64) -> Vec<Bytes> {
        Vec::new()
    }

    fn error(&self, _facts: &mut Facts, _message: &str) -> Vec<Bytes> {
        Vec::new()
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let data = if generated == 0 {
            Vec::new()
        } else {
            self.data()
        };
        let prefix = match self.0 {
            Kind::Embeddings { .. } => "embd",
            Kind::Pooling { .. } => "pool",
            Kind::Classes(_) => "classify",
            Kind::Scores(_) => "score",
            Kind::Ranks(_) => "rerank",
        };
        let id = format!("{prefix}-{}", facts.id);
        let mut whole = match self.0 {
            Kind::Ranks(_) => json!({"id": id, "model": facts.model}),
            _ => {
                json!({"id": id, "object": "list", "created": facts.created, "model": facts.model})
            }
        };
        match self.0 {
            Kind::Ranks(_) => {
                let tokens = facts.prompt_tokens;
                if !facts.withheld {
                    whole["usage"] = json!({"prompt_tokens": tokens, "total_tokens": tokens});
                }
                whole["results"] = data.into();
            }
            _ => {
                whole["data"] = data.into();
                if !facts.withheld {
                    whole["usage"] = usage(facts);
                }
            }
        }
        whole
    }
}
