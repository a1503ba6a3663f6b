use super::*;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case("json(schema.json)", r#"json("schema.json")"#)]
#[case(
    "json('a folder/s.json', response_format)",
    r#"json("a folder/s.json", response_format)"#
)]
#[case(
    r#"json({"type": "object", "required": ["a"]}, response_format)"#,
    r#"json("{""type"": ""object"", ""required"": [""a""]}", response_format)"#
)]
#[case(r#"json('{"type": "object"}')"#, r#"json("{""type"": ""object""}")"#)]
#[case(r"regex(\d{3,4}(a|b))", r#"regex("\d{3,4}(a|b)")"#)]
#[case(r#"regex("\w+@\w+\.com\n")"#, r#"regex("\w+@\w+\.com\n")"#)]
#[case("choice(Positive, \"not, so\",)", r#"choice("Positive", "not, so")"#)]
#[case("grammar(sql.ebnf)", r#"grammar("sql.ebnf")"#)]
#[case("grammar('root ::= \"a\"')", r#"grammar("root ::= ""a""")"#)]
#[case("structural_tag(tags.json)", r#"structural_tag("tags.json")"#)]
fn reads(#[case] text: &str, #[case] plain: &str) {
    let read = parse(text).unwrap();
    assert_eq!(read.to_string(), plain);
    assert_eq!(parse(plain).unwrap(), read);
}

#[test]
fn files_and_texts_are_told_apart() {
    let of = |text| match parse(text).unwrap() {
        StructuredOutput::Json { schema, .. } | StructuredOutput::Grammar(schema) => schema,
        other => panic!("{other}"),
    };
    assert_eq!(of("json(a.json)"), Source::File("a.json".into()));
    assert_eq!(of("json({})"), Source::Text("{}".to_owned()));
    assert!(matches!(of("grammar('root ::= \"a\"')"), Source::Text(_)));
}

#[rstest]
#[case("jsn(a)", "unknown structure `jsn`; did you mean `json`?")]
#[case(
    "json",
    "`json` needs a value in its parentheses; write such as `json(schema.json)`"
)]
#[case(
    "choice()",
    "`choice` needs a value in its parentheses; write such as `choice(yes, no)`"
)]
#[case("regex(a", "`regex(a` lacks its closing `)`")]
#[case("regex(a(b)", "does not compile: unclosed group, at character 2")]
#[case(
    r#"regex("ä[")"#,
    "does not compile: unclosed character class, at character 2"
)]
#[case(r"regex((?=a)b)", "look-around")]
#[case("json('')", "`json` needs the path of its file")]
#[case(
    "json(a.json, strict)",
    "unknown setting of `json` `strict`. Valid: response_format"
)]
#[case("choice(a, '', b)", "a choice is an empty text; remove it")]
#[case("choice(a, b, a)", "the choice `a` is given twice; keep one")]
fn says_what_is_wrong(#[case] text: &str, #[case] said: &str) {
    let mistakes = parse(text).unwrap_err();
    assert!(mistakes[0].0.contains(said), "{mistakes:?}");
}

proptest! {
    #[test]
    fn choices_are_read_back(choices in proptest::collection::btree_set("[^\u{0}]{1,12}", 1..5)) {
        let choices: Vec<String> = choices.into_iter().collect();
        let written = StructuredOutput::Choice(choices);
        prop_assert_eq!(parse(&written.to_string()), Ok(written));
    }

    #[test]
    fn nothing_panics(text in any::<String>(), kind in 0..5_usize) {
        let _ = parse(&text);
        let _ = parse(&format!("{}({text})", KINDS[kind]));
        let _ = check_regex(&text);
    }
}
