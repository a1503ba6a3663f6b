use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

fn maker(fields: Value) -> Result<Maker, Refusal> {
    Maker::new(Structure::of_fields(fields.as_object().unwrap()).unwrap())
}

/// Every text has its structure, as the check of the client sees it.
#[rstest]
#[case::choice(json!({"choice": ["Positive", "Negative"]}))]
#[case::email(json!({"regex": r"\w+@\w+\.com\n"}))]
#[case::date(json!({"regex": r"^(19|20)\d\d-[01]\d(-[0-3]\d)?$"}))]
#[case::umlauts(json!({"regex": "[äöü]{2,3}ß?"}))]
#[case::lists(json!({"json": {"type": "array", "items": {"type": "integer", "minimum": 3, "exclusiveMaximum": 5}, "minItems": 2, "maxItems": 4}}))]
#[case::tuple(json!({"json": {"prefixItems": [{"const": "a"}, {"type": "boolean"}], "items": false, "minItems": 2}}))]
#[case::bounded(json!({"json": {"type": "object", "properties": {"a": {"type": "string", "minLength": 9, "maxLength": 12}, "b": {"type": "number", "minimum": -1, "maximum": 1}}, "required": ["a", "b"], "additionalProperties": false}}))]
#[case::alternatives(json!({"json": {"anyOf": [{"type": "null"}, {"enum": ["x", 3]}, {"type": "integer", "multipleOf": 7}]}}))]
#[case::all(json!({"json": {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": {"pattern": "^b+$"}}, "required": ["b"]}]}}))]
#[case::tree(json!({"json": {"$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name", "children"]}}, "$ref": "#/$defs/node"}}))]
#[case::formats(json!({"json": {"type": "array", "prefixItems": [{"type": "string", "format": "uuid"}, {"type": "string", "format": "date-time"}], "minItems": 2}}))]
#[case::tag(json!({"structural_tag": {"structures": [{"begin": "<f>", "schema": {"type": "array"}, "end": "</f>"}], "triggers": ["<f>"]}}))]
#[case::grammar(json!({"grammar": "root ::= \"SELECT \" column (\" from \" [a-z]{3,5})?\ncolumn ::= \"a\" | [^a]"}))]
fn texts_have_their_structure(#[case] fields: Value) {
    let maker = maker(fields).unwrap();
    let texts: Vec<String> = (0..200).map(|seed| maker.text(seed).unwrap()).collect();
    for text in &texts {
        assert_eq!(maker.checker.check(text), Validity::Valid, "{text}");
    }
    assert_eq!(maker.text(7), maker.text(7));
}

#[test]
fn texts_differ() {
    let maker = maker(json!({"json": {"type": "integer"}})).unwrap();
    let texts: std::collections::BTreeSet<_> =
        (0..100).map(|seed| maker.text(seed).unwrap()).collect();
    assert!(texts.len() > 20, "{texts:?}");
}

#[rstest]
#[case(json!({"json": {"type": "strin"}}), "Grammar error: is not a JSON schema")]
#[case(json!({"json": {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": true}}), "found no answer that has the structure")]
#[case(json!({"json": {"type": "integer", "minimum": 3, "maximum": 2}}), "found no answer that has the structure")]
#[case(json!({"regex": "a("}), "regex parse error")]
#[case(json!({"regex": r"a\bb"}), "found no answer that has the structure")]
#[case(json!({"grammar": "root ::= \"a\" root?"}), "Invalid grammar specification: this simulation")]
#[case(json!({"grammar": "start: \"a\""}), "Invalid grammar specification: this simulation")]
fn what_cannot_be_written_is_refused(#[case] fields: Value, #[case] said: &str) {
    let refused = maker(fields).unwrap_err().body();
    assert!(refused.contains(said), "{refused}");
}

#[rstest]
#[case("", 5, 1, true)]
#[case("abcd", 5, 1, true)]
#[case("abcde", 5, 2, true)]
#[case("abcdefghi", 2, 2, false)]
fn wordings_end_at_their_tokens(
    #[case] text: &str,
    #[case] most: u64,
    #[case] tokens: u64,
    #[case] whole: bool,
) {
    let wording = Wording::new(text, most);
    assert_eq!((wording.tokens(), wording.is_whole()), (tokens, whole));
}

proptest! {
    /// Escaped pieces put together are the escaped text.
    #[test]
    fn a_wording_is_its_text(text in "\\PC{0,40}[\"\\\\\n\t\u{1}]{0,3}\\PC{0,10}") {
        let wording = Wording::new(&text, 1000);
        let plain: String = (0..wording.tokens()).map(|index| wording.word(index)).collect();
        prop_assert_eq!(&plain, &text);
        let escaped: String = (0..wording.tokens()).map(|index| wording.escaped(index)).collect();
        let read: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        prop_assert_eq!(read, text);
    }

    /// Any expression that the parser takes is followed or refused, at the latest when no answer is found (`]?$]*`), and nothing
    /// panics.
    #[test]
    fn any_expression_is_followed_or_refused(pattern in "[ab.|*+?()\\[\\]{}0-9^$]{0,12}") {
        if let Ok(maker) = maker(json!({"regex": pattern}))
            && let Ok(text) = maker.text(3)
        {
            prop_assert_eq!(maker.checker.check(&text), Validity::Valid);
        }
    }
}
