use super::*;
use goodput_grammar::structured;
use rstest::rstest;
use serde_json::json;

fn structure(fields: Value) -> Structure {
    Structure::of_fields(fields.as_object().unwrap()).unwrap()
}

/// What is checked does not depend on whom one asks.
#[rstest]
#[case(json!({"json": {}}))]
#[case(json!({"regex": "a"}))]
#[case(json!({"choice": ["a"]}))]
#[case(json!({"grammar": "root ::= \"a\""}))]
#[case(json!({"structural_tag": {"format": {"type": "any_text"}}}))]
#[case(tags())]
fn there_is_a_checker_where_answers_are_checked(#[case] fields: Value) {
    let structure = structure(fields);
    assert_eq!(
        Checker::new(&structure).unwrap().is_some(),
        structure.is_checked()
    );
}

fn validity(fields: Value, text: &str) -> Option<Validity> {
    let checker = Checker::new(&structure(fields)).unwrap();
    checker.map(|checker| checker.check(text))
}

fn person() -> Value {
    json!({"json": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
        "required": ["name"],
    }})
}

#[rstest]
#[case::json(person(), r#" {"name": "Ada", "age": 36} "#)]
#[case::regex(json!({"regex": r"\w+@\w+\.com\n"}), "alan@enigma.com\n")]
#[case::alternatives(json!({"regex": "a|ab"}), "ab")]
#[case::choice(json!({"choice": ["Positive", "Negative"]}), "Negative")]
#[case::schema_as_text(json!({"json": "{\"type\": \"array\"}"}), "[]")]
#[case::no_tag(tags(), "nothing to call")]
#[case::tags(
    tags(),
    r#"first <function=f>{"x": 1}</function> then <function=g> [] </function>."#
)]
fn right_answers_are_valid(#[case] fields: Value, #[case] text: &str) {
    assert_eq!(validity(fields, text), Some(Validity::Valid));
}

#[rstest]
#[case::cut(person(), r#"{"name": "Ad"#, "is not JSON: EOF")]
#[case::another_type(person(), r#"{"name": "Ada", "age": "36"}"#, "at `/age`")]
#[case::missing(
    person(),
    r#"{"age": 36}"#,
    "does not fit the schema at `/`: \"name\" is a required"
)]
#[case::text_around(person(), r#"Here: {"name": "Ada"}"#, "is not JSON")]
#[case::regex_in_part(json!({"regex": r"\d{4}"}), "1999!", "does not match")]
#[case::choice_in_part(json!({"choice": ["yes"]}), "yes.", "is not one of the choices")]
#[case::unknown_tag(tags(), "<function=h>{}</function>", "not one of the structures")]
#[case::content(tags(), "<function=f>{\"x\": \"1\"}</function>", "at `/x`")]
#[case::no_end(tags(), "<function=g>[]", "without its end `</function>`")]
fn wrong_answers_are_told_why(#[case] fields: Value, #[case] text: &str, #[case] said: &str) {
    match validity(fields, text) {
        Some(Validity::Wrong(why)) => assert!(why.contains(said), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn tags() -> Value {
    json!({"structural_tag": {
        "structures": [
            {"begin": "<function=f>", "end": "</function>",
             "schema": {"type": "object", "properties": {"x": {"type": "integer"}}}},
            {"begin": "<function=g>", "schema": {"type": "array"}, "end": "</function>"},
        ],
        "triggers": ["<function="],
    }})
}

#[rstest]
#[case::grammar(json!({"grammar": "root ::= \"a\" root?"}))]
#[case::lark(json!({"grammar": "start: \"a\""}))]
#[case::new_tag(json!({"structural_tag": {"type": "structural_tag", "format": {"type": "any_text"}}}))]
fn what_cannot_be_checked_is_never_valid(#[case] fields: Value) {
    assert!(!structure(fields.clone()).is_checked());
    assert_eq!(validity(fields, "a"), None);
}

/// `_eval_correctness` of the script, which lets more pass.
#[rstest]
#[case(person(), r#"Sure: { "age": "x" } !"#, Some(true))]
#[case(person(), r#"{"a": 1} and {"b": 2}"#, Some(false))]
#[case(person(), "} {", Some(false))]
#[case(person(), "[1]", Some(false))]
#[case(json!({"regex": r"\w+@\w+\.com\n"}), "a@b.com\nand more", Some(true))]
#[case(json!({"regex": r"\w+@\w+\.com\n"}), " a@b.com\n", Some(false))]
#[case(json!({"choice": ["a"]}), "a", Some(true))]
#[case(json!({"choice": ["a"]}), "a ", Some(false))]
#[case(json!({"grammar": "root ::= \"a\""}), "a", None)]
fn the_scripts_checks_are_weaker(
    #[case] fields: Value,
    #[case] text: &str,
    #[case] expected: Option<bool>,
) {
    assert_eq!(Script::new(&structure(fields)).correct(text), expected);
}

#[rstest]
#[case::type_is_none(json!({"json": {"type": "strin"}}), "is not a JSON schema at `/type`")]
#[case::number(json!({"json": 3}), "is not a JSON schema: a schema is an object")]
#[case::reference(json!({"json": {"$ref": "#/nowhere"}}), "is not a JSON schema")]
#[case::elsewhere(json!({"json": {"$ref": "http://127.0.0.1:1/s.json"}}), "is not a JSON schema")]
#[case::regex(json!({"regex": "(?=a)"}), "look-around")]
#[case::choices(json!({"choice": ["a", "a"]}), "given twice")]
#[case::tag(json!({"structural_tag": {"structures": []}}), "is not a structural tag")]
fn what_is_no_structure_is_refused(#[case] fields: Value, #[case] said: &str) {
    let error = structure(fields).checked().unwrap_err();
    assert!(error.contains(said), "{error}");
}

#[rstest]
#[case(json!({}), "must have one key of `json`")]
#[case(json!({"json": {}, "regex": "a"}), "and has 2")]
#[case(json!({"regex": 3}), "`regex` is not a text")]
#[case(json!({"choice": []}), "`choice` is not an array of texts")]
#[case(json!({"schema": {}}), "unknown key `schema`")]
fn fields_that_are_none_are_refused(#[case] fields: Value, #[case] said: &str) {
    let error = Structure::of_fields(fields.as_object().unwrap()).unwrap_err();
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_setting_reads_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.json");
    std::fs::write(&file, "{\"type\": \"array\"}").unwrap();
    let read = |text: &str| Structure::read(&structured::parse(text).unwrap());
    let path = file.display();
    let schema = read(&format!("json('{path}')")).unwrap();
    assert_eq!(schema.fields(), json!({"json": {"type": "array"}}));
    std::fs::write(&file, "{\"type\": 5}").unwrap();
    let wrong = read(&format!("json('{path}')")).unwrap_err();
    assert!(
        wrong[0].contains("s.json`: is not a JSON schema at `/type`"),
        "{wrong:?}"
    );
    std::fs::write(&file, "{").unwrap();
    assert!(read(&format!("json('{path}')")).unwrap_err()[0].contains("is not JSON"));
    let missing = read("grammar('no/such.ebnf')").unwrap_err();
    assert!(
        missing[0].contains("cannot read `no/such.ebnf`"),
        "{missing:?}"
    );
}

#[test]
fn fields_are_merged_and_conflicts_are_found() {
    let object = |value: Value| value.as_object().unwrap().clone();
    let fields = object(json!({"parameters": {"grammar": 1}}));
    let mut body = object(json!({"parameters": {"max": 2}, "x": 3}));
    assert_eq!(conflict(&body, &fields), None);
    merge(&mut body, &fields);
    assert_eq!(
        body,
        object(json!({"parameters": {"max": 2, "grammar": 1}, "x": 3}))
    );
    assert_eq!(
        conflict(&body, &fields).as_deref(),
        Some("parameters.grammar")
    );
}
