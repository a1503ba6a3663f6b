//! Tokens that mean something.
#![cfg(feature = "tokenizers")]

use crate::{post, simulate};
use goodput::{
    grammar::sim::Script,
    sim::SimServer,
    tokenizer::{Tokenizer, TokenizerSpec},
};
use rstest::rstest;
use serde_json::{Value, json};

fn server() -> SimServer {
    let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
    SimServer::new(Script::default()).tokenizer(tokenizer)
}

fn ask(path: &str, body: &Value) -> (u16, Value) {
    simulate(server(), async |server, clock| {
        let answered = post(server, &clock, path, body).await.unwrap();
        (answered.status, answered.json())
    })
}

#[rstest]
#[case::prompt(json!({"prompt": "Hello, streaming world!"}), "Hello, streaming world!")]
#[case::messages(json!({"messages": [{"role": "user", "content": "né"}, {"role": "user", "content": "x"}]}), "né\nx")]
fn tokens_round_trip(#[case] body: Value, #[case] text: &str) {
    let (_, tokens) = ask("/tokenize", &body);
    assert_eq!(tokens["count"], tokens["tokens"].as_array().unwrap().len());
    let (status, said) = ask("/detokenize", &json!({"tokens": tokens["tokens"]}));
    assert_eq!((status, &said["prompt"]), (200, &json!(text)));
}

#[test]
fn tokens_of_a_content_are_llama_cpps() {
    let (_, whole) = ask("/tokenize", &json!({"content": "one two"}));
    let (status, pieces) = ask(
        "/tokenize",
        &json!({"content": "one two", "with_pieces": true}),
    );
    assert_eq!(status, 200);
    let pieces = pieces["tokens"].as_array().unwrap();
    let of = |key: &str| Value::from_iter(pieces.iter().map(|piece| piece[key].clone()));
    assert_eq!(of("id"), whole["tokens"]);
    let texts: Vec<String> = serde_json::from_value(of("piece")).unwrap();
    assert_eq!(texts.concat(), "one two");
    let (_, said) = ask("/detokenize", &whole);
    assert_eq!(said["content"], "one two");
}

#[test]
fn tokens_have_texts() {
    let body = json!({"prompt": "one two", "return_token_strs": true});
    let (_, tokens) = ask("/tokenize", &body);
    let texts: Vec<String> = serde_json::from_value(tokens["token_strs"].clone()).unwrap();
    assert_eq!(texts.concat(), "one two");
}

#[test]
fn the_ids_of_an_answer_are_those_of_its_text() {
    let body = json!({"text": "x", "sampling_params": {"max_new_tokens": 32}});
    let (_, answer) = ask("/generate", &body);
    let (_, said) = ask("/detokenize", &json!({"tokens": answer["output_ids"]}));
    assert_eq!(said["prompt"], answer["text"]);
}

#[test]
fn without_a_tokenizer_ids_mean_nothing() {
    let status = simulate(crate::server(""), async |server, clock| {
        let body = json!({"tokens": [1]});
        post(server, &clock, "/detokenize", &body)
            .await
            .unwrap()
            .status
    });
    assert_eq!(status, 400);
}
