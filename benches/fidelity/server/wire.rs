//! The bytes of an answer, framed as vLLM's server frames them: a chunk for each event.

/// Status and headers of a stream, sent as soon as the request is complete.
pub(super) const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    date: Sat, 21 Nov 2026 22:24:40 GMT\r\n\
    server: uvicorn\r\n\
    content-type: text/event-stream; charset=utf-8\r\n\
    transfer-encoding: chunked\r\n\r\n";

/// The three different writes of a stream.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) first: Vec<u8>,
    pub(super) token: Vec<u8>,
    /// The last token, usage, `[DONE]`, the end of the body.
    pub(super) last: Vec<u8>,
}

impl Answer {
    pub(super) fn new(id: &str, chat: bool, tokens: usize) -> Self {
        let event = |choices: &str, rest: &str| {
            let kind = if chat {
                "chat.completion.chunk"
            } else {
                "text_completion"
            };
            frame(&format!(
                r#"{{"id":"cmpl-{id}","object":"{kind}","created":1795299881,"model":"truth","choices":[{choices}]{rest}}}"#
            ))
        };
        let choice = |finish: &str| {
            if chat {
                format!(
                    r#"{{"index":0,"delta":{{"content":" tok"}},"logprobs":null,"finish_reason":{finish},"token_ids":null}}"#
                )
            } else {
                format!(
                    r#"{{"index":0,"text":" tok","logprobs":null,"finish_reason":{finish},"stop_reason":null,"prompt_token_ids":null,"token_ids":null}}"#
                )
            }
        };
        let token = event(&choice("null"), "");
        let role = r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}"#;
        let role = if chat {
            event(role, r#","prompt_token_ids":null"#)
        } else {
            Vec::new()
        };
        let usage = format!(
            r#","usage":{{"prompt_tokens":8,"total_tokens":{},"completion_tokens":{tokens}}}"#,
            tokens + 8
        );
        let last = [
            event(&choice(r#""length""#), ""),
            event("", &usage),
            frame("[DONE]"),
            b"0\r\n\r\n".to_vec(),
        ]
        .concat();
        match tokens {
            1 => Answer {
                first: [role, last.clone()].concat(),
                token,
                last,
            },
            _ => Answer {
                first: [role, token.clone()].concat(),
                token,
                last,
            },
        }
    }

    /// What is written for token `index` of `tokens`.
    pub(super) fn write(&self, index: usize, tokens: usize) -> &[u8] {
        match index {
            0 => &self.first,
            _ if index + 1 == tokens => &self.last,
            _ => &self.token,
        }
    }
}

fn frame(data: &str) -> Vec<u8> {
    format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8).into_bytes()
}

/// An answer in one piece to anything that is not a completion.
pub(super) fn plain(path: &str) -> Vec<u8> {
    let (status, body) = match path {
        "/health" => ("200 OK", ""),
        "/v1/models" => (
            "200 OK",
            r#"{"object":"list","data":[{"id":"truth","object":"model","max_model_len":10000000}]}"#,
        ),
        _ => ("404 Not Found", ""),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
