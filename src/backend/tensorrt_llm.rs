//! `tensorrt-llm`: TensorRT-LLM behind Triton.

use super::{
    Backend, Decode, WireOptions,
    answer::{Dialect, SseDecoder, Unread, decoder, error_in, is_first, push, seen, string},
    body::Body,
};
use crate::{
    clock::Nanos,
    plan::{PlannedRequest, Prompt, Shape},
    record::{Channel, Reply},
    structure::Structure,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Triton's generate extension, as the ensemble of TensorRT-LLM's backend for it is called.
///
/// The body's keys are `text_input`, `max_tokens`, `stream` and, to go on after the end of text, `min_length`, in
/// this order. (TensorRT-LLM's own server, `trtllm-serve`, has OpenAI's dialect.)
///
/// Every event with a `text_output` moves the token clock and has what is new. The server sends neither counts nor a
/// finish reason, and its stream has no mark of the end: a stream that is cut between two events looks complete
/// unless the connection breaks.
#[derive(Debug, Clone, Copy)]
pub struct TensorRtLlm;

impl Backend for TensorRtLlm {
    fn name(&self) -> &'static str {
        "tensorrt-llm"
    }

    fn endpoint(&self, stream: bool) -> &'static str {
        if stream {
            "/v2/models/ensemble/generate_stream"
        } else {
            "/v2/models/ensemble/generate"
        }
    }

    fn takes(&self, shape: Shape) -> bool {
        shape == Shape::Text
    }

    fn names_model(&self) -> bool {
        false
    }

    fn structured(&self, structure: &Structure) -> Option<Map<String, Value>> {
        let (kind, guide) = match structure {
            Structure::Json { schema, .. } => ("json_schema", schema.to_string()),
            Structure::Regex(pattern) => ("regex", pattern.clone()),
            Structure::Grammar(grammar) => ("ebnf_grammar", grammar.clone()),
            _ => return None,
        };
        let fields = json!({"guided_decoding_guide_type": kind, "guided_decoding_guide": guide});
        fields.as_object().cloned()
    }

    fn encode(&self, request: &PlannedRequest, options: &WireOptions) -> Option<Bytes> {
        let Prompt::Text(text) = &request.prompt else {
            return None;
        };
        let mut body = Body::default();
        body.set("text_input", text.as_str());
        body.set("max_tokens", request.output_tokens);
        body.set("stream", options.stream);
        if options.ignore_eos {
            body.set("min_length", request.output_tokens);
        }
        Some(body.extend(options))
    }

    fn decoder(&self, stream: bool) -> Box<dyn Decode> {
        decoder(Outputs, stream)
    }
}

#[derive(Debug)]
struct Outputs;

/// An event, or a whole answer.
#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    text_output: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence_index: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Dialect for Outputs {
    type Frames = SseDecoder;
    const LACKS: &'static str = "without text_output";
    const SAYS_END: bool = false;

    fn event(&mut self, at: Nanos, json: &str, reply: &mut Reply) -> Result<(), Unread> {
        let output: Output<'_> = serde_json::from_str(json)?;
        error_in(output.error)?;
        if !is_first(output.sequence_index) {
            return Ok(());
        }
        if let Some(text) = output.text_output.and_then(string) {
            push(at, Channel::Answer, &text, 0, reply);
        }
        Ok(())
    }

    fn is_complete(&self, _reply: &Reply) -> bool {
        true
    }

    fn whole(&mut self, json: &str, reply: &mut Reply) -> Result<(Channel, Option<u64>), Unread> {
        let output: Output<'_> = serde_json::from_str(json)?;
        error_in(output.error)?;
        let text = string(output.text_output.ok_or(Unread::Lacks("text_output"))?);
        reply.text = text.unwrap_or_default().into_owned();
        Ok((seen(&reply.text), None))
    }
}
