//! Embeddings and their like.

use crate::{Answered, End, post, server, simulate};
use goodput::{
    clock::Nanos,
    grammar::sim::{Script, parse},
    sim::SimServer,
};
use rstest::rstest;
use serde_json::{Value, json};

fn ask(faults: &str, path: &str, body: &Value) -> Answered {
    simulate(server(faults), async |server, clock| {
        post(server, &clock, path, body).await.unwrap()
    })
}

fn vector(embedding: &Value) -> Vec<f32> {
    serde_json::from_value(embedding.clone()).unwrap()
}

#[test]
fn the_same_input_has_the_same_vector_of_length_one() {
    let body = json!({"model": "m", "input": ["a", "b", "a"], "dimensions": 32});
    let answer = ask("", "/v1/embeddings", &body).json();
    let vectors: Vec<_> = (0..3)
        .map(|i| vector(&answer["data"][i]["embedding"]))
        .collect();
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    let length: f32 = vectors[0].iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    assert_eq!((vectors[0].len(), &answer["model"]), (32, &json!("m")));
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
}

#[test]
fn base64_says_the_same_numbers() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let ask = |format: &str| {
        let body = json!({"input": [1, 2, 3], "encoding_format": format});
        ask("", "/v1/embeddings", &body).json()["data"][0]["embedding"].clone()
    };
    let bytes = STANDARD.decode(ask("base64").as_str().unwrap()).unwrap();
    let (numbers, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    assert!(rest.is_empty());
    assert_eq!(numbers, vector(&ask("float")));
}

#[test]
fn documents_are_ranked_best_first() {
    let body = json!({"query": "q", "documents": ["a", "b", "c", "d"], "top_n": 3});
    let answer = ask("", "/v1/rerank", &body).json();
    let results = answer["results"].as_array().unwrap();
    let scores: Vec<_> = results
        .iter()
        .map(|r| r["relevance_score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.len() == 3);
    let first = results[0]["index"].as_u64().unwrap() as usize;
    assert_eq!(results[0]["document"]["text"], ["a", "b", "c", "d"][first]);
    for path in ["/rerank", "/v2/rerank"] {
        assert_eq!(ask("", path, &body).json()["results"], answer["results"]);
    }
}

#[test]
fn pairs_are_scored_as_they_are_ranked() {
    let scores = ask("", "/score", &json!({"text_1": "q", "text_2": ["a", "b"]})).json();
    let ranks = ask(
        "",
        "/rerank",
        &json!({"query": "q", "documents": ["a", "b"]}),
    )
    .json();
    for rank in ranks["results"].as_array().unwrap() {
        let index = rank["index"].as_u64().unwrap() as usize;
        assert_eq!(scores["data"][index]["score"], rank["relevance_score"]);
    }
}

#[test]
fn classes_have_probabilities() {
    let answer = ask("", "/classify", &json!({"input": ["a", "b"]})).json();
    for item in answer["data"].as_array().unwrap() {
        let probabilities: Vec<f64> = serde_json::from_value(item["probs"].clone()).unwrap();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let best = usize::from(probabilities[1] >= probabilities[0]);
        assert_eq!(item["label"], format!("LABEL_{best}"));
    }
}

#[test]
fn pooling_gives_vectors() {
    let answer = ask("", "/pooling", &json!({"input": "a"})).json();
    assert_eq!(answer["data"][0]["object"], "pooling");
    assert_eq!(vector(&answer["data"][0]["data"]).len(), 384);
}

/// Two prompts of 40 tokens, a step of 10 ms and 1 ms a token: one step.
#[test]
fn an_engine_takes_the_time_of_a_prefill() {
    let script = "engine = linear, t0 = 10ms, tp = 1ms, td = 0ms, tk = 0ms";
    let script: Script = parse(script).unwrap();
    simulate(SimServer::new(script), async |server, clock| {
        let ids: Vec<u64> = (0..40).collect();
        let other: Vec<u64> = (100..140).collect();
        let body = json!({"input": [ids, other]});
        let answered = post(server, &clock, "/v1/embeddings", &body).await.unwrap();
        assert_eq!(answered.chunks[0].0, Nanos(90_000_000));
        assert_eq!(answered.json()["usage"]["total_tokens"], 80);
        let state = server.server().engine().unwrap().state();
        assert_eq!(
            (state.finished, state.steps, state.prompt_tokens),
            (2, 1, 80)
        );
    });
}

/// Whatever goes wrong with answers in one piece does so here.
#[rstest]
#[case::slow("slow_headers(1s)", 1_000)]
#[case::stalled("stall(1s)", 1_050)]
#[case::plain("", 50)]
fn faults_take_their_time(#[case] faults: &str, #[case] millis: u64) {
    let answered = ask(faults, "/v1/embeddings", &json!({"input": "a"}));
    assert_eq!(answered.chunks[0].0, Nanos(millis * 1_000_000));
}

#[test]
fn faults_spoil_vectors() {
    let body = json!({"input": "a"});
    let ask = |faults: &str| ask(faults, "/v1/embeddings", &body);
    assert_eq!(ask("cut").end, End::Broken);
    assert_eq!(ask("status(503)").status, 503);
    assert_eq!(ask("no_tokens").json()["data"], json!([]));
    assert_eq!(ask("no_usage").json()["usage"], Value::Null);
    assert!(ask("error_event").text().contains("the engine died"));
}
