//! Credentials in all the places that they were found in, and words that only look alike.

use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

#[rstest]
#[case(
    "vllm serve M --api-key sk-1 --port 8",
    "vllm serve M --api-key *** --port 8"
)]
#[case("vllm serve M --api-key=sk-1", "vllm serve M --api-key=***")]
#[case(
    "vllm serve --api-key 'a b' --port 8",
    "vllm serve --api-key *** --port 8"
)]
#[case("'--api-key', 'SK1'", "'--api-key', '***'")]
#[case("HF_TOKEN=hf_1 run --tokens 5", "HF_TOKEN=*** run --tokens 5")]
#[case("http://me:pw@host:1/v1?key=abc", "http://***@host:1/v1?key=***")]
#[case("http://me:p/w@host:1/v1", "http://***@host:1/v1")]
#[case(
    "`http://h/?api_key=S` has a query",
    "`http://h/?api_key=***` has a query"
)]
#[case(
    "https://h/openai?api-version=2024-06-01&sig=x",
    "https://h/openai?api-version=2024-06-01&sig=***"
)]
#[case("/v1/chat/completions?api_key=Q", "/v1/chat/completions?api_key=***")]
#[case("GET /v1/models?QSECRET failed", "GET /v1/models?*** failed")]
#[case(r#"{"api_key": "S", "top_k": 1}"#, r#"{"api_key": "***", "top_k": 1}"#)]
#[case(r#"{"api_key": "S"#, r#"{"api_key": "***""#)]
#[case(
    r#"args: {'api_key': ['S1', 'S2'], 'port': 8}"#,
    r#"args: {'api_key': '***', 'port': 8}"#
)]
#[case(r#"{\"api_key\": \"S\"}"#, r#"{\"api_key\": \"***\"}"#)]
#[case(
    "extra-body: {api_key: S, top_k: 1}",
    "extra-body: {api_key: ***, top_k: 1}"
)]
#[case("--key S --token T", "--key *** --token ***")]
#[case("serve --verbose --api-key S", "serve --verbose --api-key ***")]
#[case(r#"{"a": {"api_key": "S"}}"#, r#"{"a": {"api_key": "***"}}"#)]
#[case("note: a: api_key: S", "note: a: api_key: ***")]
#[case("x=api_key=S", "x=api_key=***")]
#[case(
    r#"{"top_k": {"b": {'token': 5}}}"#,
    r#"{"top_k": {"b": {'token': '***'}}}"#
)]
#[case(
    "sim(ttft = 5ms, api_key = S) and hf_token ='a b'",
    "sim(ttft = 5ms, api_key = ***) and hf_token =***"
)]
#[case("Authorization: Bearer abc def", "Authorization: ***")]
#[case("sent Bearer abc_1 to it", "sent Bearer *** to it")]
#[case(
    "Incorrect API key provided: sk-proj-0123456789abcdef.",
    "Incorrect API key provided: ***."
)]
fn what_looks_like_a_credential_is_masked(#[case] given: &str, #[case] shown: &str) {
    assert_eq!(text(given), shown);
}

#[rstest]
#[case::other_host(
    "https://other.example/v1/chat?key=SECRET#x",
    "https://other.example/v1/chat"
)]
#[case::user("http://me:SECRET@other.example:81/a", "http://***@other.example:81/a")]
#[case::odd_password("http://me:SEC?RET@other.example/a", "http://***@other.example/a")]
#[case::of_the_same_scheme("//me:SECRET@other.example/a", "//***@other.example/a")]
#[case::relative("/v2/chat?SECRET", "/v2/chat")]
#[case::fragment("/v2/chat#SECRET", "/v2/chat")]
fn a_place_holds_no_query(#[case] given: &str, #[case] shown: &str) {
    assert_eq!(place(given), shown);
}

#[rstest]
#[case("unix:/run/llm.sock")]
#[case("x --max-num-batched-tokens 8192")]
#[case("HTTP 401 Unauthorized: Bearer token missing")]
#[case("unexpected token: expected a string")]
#[case("http://127.0.0.1:8000/v1/chat/completions")]
#[case("what is it? no")]
#[case("---------------Inter-token Latency----------------")]
#[case("time to the first token: 5 ms, inter-token: 3 ms, per-token: 2")]
#[case("-k token is not --tokenizer x")]
#[case("the eos_token=</s> of Qwen/Qwen3-0.6B")]
#[case("prompt_tokens: 5, completion_tokens=8")]
#[case("random(input = 256, output = 64)")]
#[case("api_key = \"env:LLM_KEY\": the environment variable LLM_KEY is not set")]
#[case("the eos_token = 5, a key = 6")]
fn other_words_stay(#[case] given: &str) {
    assert_eq!(text(given), given);
}

#[test]
fn what_a_setting_holds_is_known_from_then_on() {
    own("serve --api-key Zq8rTdKw0aL --port 1");
    own("/v1/x?api_key=Vb7mNc2Qs9");
    learn_header("x-goog-api-key", "Lk3jHg5Fd7");
    learn_header("Authorization", "Basic bWU6UHc0NTZ0");
    learn_field("a", &json!([{"authToken": ["Yt6rEw4Qa2"]}]));
    for secret in [
        "Zq8rTdKw0aL",
        "Vb7mNc2Qs9",
        "Lk3jHg5Fd7",
        "bWU6UHc0NTZ0",
        "Yt6rEw4Qa2",
    ] {
        let said = text(&format!(
            "no such key as {secret}, sorry; cut: {}…",
            &secret[..7]
        ));
        assert_eq!(said, "no such key as ***, sorry; cut: ***…");
    }
    assert_eq!(
        text("me: Pw456t is wrong, Pw456tx is not"),
        "me: *** is wrong, Pw456tx is not"
    );
    let mut answer_text = "the key Zq8rTdKw0aL of http://a:b@c".to_owned();
    answer(&mut answer_text);
    assert_eq!(answer_text, "the key *** of http://a:b@c");
}

#[test]
fn words_of_a_command_are_known_whatever_is_in_them() {
    let words = [
        "vllm",
        "--api-key",
        "Gh4\"x' y&z9Q",
        "--token=a,b\"c;Tq81",
        "--port",
        "8",
        "--eos-token",
        "</s>-of-M",
    ];
    learn_words(&words.map(str::to_owned));
    for secret in [words[2], &words[3][8..]] {
        assert_eq!(text(&format!("got <{secret}>")), "got <***>");
        assert_eq!(named("note", secret), "***");
    }
    assert_eq!(text("got <</s>-of-M>"), "got <</s>-of-M>");
    assert_eq!(named("DB_PASSWORD", "Pl0 \"9"), "***");
    assert_eq!(text("it is Pl0 \"9."), "it is ***.");
}

#[rstest]
#[case("Ab\"c\\d&e<f>g", r#"Ab\"c\\d&e<f>g"#)]
#[case("Ab\"c\\d&e<f>g", r#"Ab\\\"c\\\\d&e<f>g"#)]
#[case("Ab\"c\\d&e<f>g", "Ab&quot;c\\d&amp;e&lt;f&gt;g")]
#[case("Ab:c d/e+f", "Ab%3Ac+d%2Fe%2Bf")]
#[case("Ab:c d/e+f", "Ab%3ac%20d%2fe%2bf")]
#[case("Ab:c d/e+f", "QWI6YyBkL2UrZg==")]
fn a_known_credential_has_many_forms(#[case] secret: &str, #[case] form: &str) {
    learn(secret);
    assert_eq!(text(&format!("got ({form})")), "got (***)");
}

#[test]
fn a_query_is_known_as_the_server_reads_it() {
    own("/v1/x?api_key=Zt%2F5+q%3D8w%22X");
    assert_eq!(text("no key Zt/5 q=8w\"X here"), "no key *** here");
}

#[test]
fn json_is_masked_by_its_names_at_any_depth() {
    let mut value =
        json!({"a": {"api_key": "S", "b": [{"token": ["S"]}, "x --password S"]}, "max_tokens": 5});
    json(&mut value);
    assert_eq!(
        value,
        json!({"a": {"api_key": "***", "b": [{"token": "***"}, "x --password ***"]}, "max_tokens": 5})
    );
}

proptest! {
    #[test]
    fn a_known_credential_is_nowhere(secret in "[!-~]{10,40}", before in ".{0,20}", after in ".{0,20}") {
        prop_assume!(!secret.contains("***"));
        learn(&secret);
        let json = json!({"message": format!("{before}{secret}{after}")}).to_string();
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for said in [format!("{before}{secret}{after}"), json, format!("/x?{encoded}")] {
            let masked = text(&said);
            prop_assert!(!masked.contains(secret.trim()), "{masked}");
        }
    }

    #[test]
    fn masking_twice_is_masking_once(said in ".{0,60}") {
        let once = text(&said);
        prop_assert_eq!(text(&once), once);
    }
}

/// A credential that ends like the query of a URL is masked whole, in a user's own setting, too.
#[test]
fn a_known_credential_is_masked_before_what_looks_like_one() {
    let secret = r#""Z"(~(/;EPlDg/U?.QBI-"#;
    learn(secret);
    for masked in [own, text] {
        assert_eq!(
            masked(&format!("the cluster that takes {secret}")),
            "the cluster that takes ***"
        );
    }
}
