//! Grammars in the notation that llama.cpp (GBNF), xgrammar and so vLLM, SGLang and TensorRT-LLM (EBNF) share, where a
//! regular expression says the same because no rule refers to itself.
//!
//! ```text
//! root   ::= "SELECT " column " FROM " [a-z]{3,5}   # a rule is a name and what it stands for
//! column ::= "name" | "age"
//! ```
//!
//! llama.cpp's `grammars/README.md` and xgrammar's `docs/tutorials/ebnf_grammar.md` describe it. Other notations, such as
//! Lark's, and parts that only one of them has, such as tokens and look-ahead, are left alone.

use std::{collections::HashMap, fmt::Write, iter::Peekable, str::CharIndices};

/// The longest expression, in bytes. Rules that refer to others twice each double it every time.
const LONGEST: usize = 1 << 18;

/// The regular expression that matches the texts of a grammar, from their start to their end. `None` if there is none, or
/// the grammar is in another notation.
pub(crate) fn expression(grammar: &str) -> Option<String> {
    let rules = rules(grammar)?;
    let mut said = String::new();
    Writer {
        rules: &rules,
        open: Vec::new(),
    }
    .rule("root", &mut said)?;
    Some(said)
}

/// What stands in a grammar.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    /// A part of an expression that stands for itself: a text, or a class of characters.
    Atom(String),
    /// `|`, `(`, `)`, or a number of times, each as regular expressions write it.
    Sign(String),
    Defines,
}

/// The rules by their names. Each is what stands between its `::=` and the next rule's name.
fn rules(grammar: &str) -> Option<HashMap<String, Vec<Token>>> {
    let mut rules: HashMap<String, Vec<Token>> = HashMap::new();
    let mut name: Option<String> = None;
    let mut tokens = tokens(grammar)?.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Name(next) if tokens.peek() == Some(&Token::Defines) => {
                tokens.next();
                if rules.insert(next.clone(), Vec::new()).is_some() {
                    return None;
                }
                name = Some(next);
            }
            Token::Defines => return None,
            part => rules.get_mut(name.as_ref()?)?.push(part),
        }
    }
    Some(rules)
}

fn tokens(grammar: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = grammar.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        match first {
            '#' => while rest.next_if(|(_, c)| *c != '\n').is_some() {},
            c if c.is_whitespace() => {}
            '"' => tokens.push(Token::Atom(text(&mut rest)?)),
            '[' => tokens.push(Token::Atom(class(&mut rest)?)),
            '.' => tokens.push(Token::Atom("(?s:.)".to_owned())),
            '|' | '*' | '+' | '?' | ')' => tokens.push(Token::Sign(first.to_string())),
            '(' => tokens.push(Token::Sign("(?:".to_owned())),
            '{' => {
                let inside = grammar[start..].split_once('}')?.0;
                let times: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
                let known = |c: char| c.is_ascii_digit() || c == ',';
                let first = times.chars().nth(1)?;
                if !first.is_ascii_digit() || !times[1..].chars().all(known) {
                    return None;
                }
                tokens.push(Token::Sign(format!("{times}}}")));
                while rest.next()?.1 != '}' {}
            }
            ':' => {
                let defines = rest.next()?.1 == ':' && rest.next()?.1 == '=';
                defines.then_some(())?;
                tokens.push(Token::Defines);
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = c.to_string();
                let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                while let Some((_, c)) = rest.next_if(|(_, c)| inner(*c)) {
                    name.push(c);
                }
                tokens.push(Token::Name(name));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

type Rest<'a> = Peekable<CharIndices<'a>>;

/// A text in quotes, as one part of an expression.
fn text(rest: &mut Rest<'_>) -> Option<String> {
    let mut said = "(?:".to_owned();
    loop {
        match rest.next()?.1 {
            '"' => break,
            '\\' => add(escaped(rest)?, &mut said),
            c => add(c, &mut said),
        }
    }
    said.push(')');
    Some(said)
}

/// A class of characters such as `[^a-z]`.
fn class(rest: &mut Rest<'_>) -> Option<String> {
    let mut said = "[".to_owned();
    if rest.next_if(|(_, c)| *c == '^').is_some() {
        said.push('^');
    }
    let mut empty = true;
    loop {
        match rest.next()?.1 {
            ']' => break,
            '\\' => add(escaped(rest)?, &mut said),
            // Behind a character and before another it means a range.
            '-' if !empty && rest.peek().is_some_and(|(_, c)| *c != ']') => said.push('-'),
            c => add(c, &mut said),
        }
        empty = false;
    }
    said.push(']');
    (!empty).then_some(said)
}

/// The character behind a backslash.
fn escaped(rest: &mut Rest<'_>) -> Option<char> {
    let digits = match rest.next()?.1 {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c if c.is_ascii_punctuation() => return Some(c),
        _ => return None,
    };
    let code: Option<String> = (0..digits).map(|_| Some(rest.next()?.1)).collect();
    char::from_u32(u32::from_str_radix(&code?, 16).ok()?)
}

/// A character by its number, which means itself everywhere in a regular expression.
fn add(c: char, said: &mut String) {
    let _ = write!(said, "\\x{{{:X}}}", u32::from(c));
}

/// Writes rules into each other.
struct Writer<'a> {
    rules: &'a HashMap<String, Vec<Token>>,
    /// The rules that are being written.
    open: Vec<String>,
}

impl Writer<'_> {
    /// `None` if a rule is missing or refers to itself, or the expression is too long.
    fn rule(&mut self, name: &str, said: &mut String) -> Option<()> {
        if self.open.iter().any(|open| open == name) || said.len() > LONGEST {
            return None;
        }
        self.open.push(name.to_owned());
        said.push_str("(?:");
        for token in self.rules.get(name)? {
            match token {
                Token::Name(other) => self.rule(other, said)?,
                Token::Atom(part) | Token::Sign(part) => said.push_str(part),
                Token::Defines => return None,
            }
        }
        said.push(')');
        self.open.pop();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;
    use rstest::rstest;

    fn matches(grammar: &str, text: &str) -> bool {
        let expression = expression(grammar).unwrap();
        Regex::new(&format!(r"\A(?:{expression})\z"))
            .unwrap()
            .is_match(text)
    }

    const SQL: &str = "
        root ::= select_statement
        select_statement ::= \"SELECT \" column \" from \" table
        column ::= \"col_1 \" | \"col_2 \"
        table ::= \"table_1 \" | \"table_2 \"
    ";

    #[rstest]
    #[case(SQL, "SELECT col_1  from table_2 ", true)]
    #[case(SQL, "SELECT col_3  from table_2 ", false)]
    #[case(SQL, "SELECT col_1  from table_2 ;", false)]
    #[case::times("root ::= [a-c]{2} [^a-c]{1,2} [x]{0,} \"-\"?", "ab!x", true)]
    #[case::times("root ::= [a-c]{2} [^a-c]{1,2} [x]{0,} \"-\"?", "ab", false)]
    #[case::a_text_many_times("root ::= \"ab\"+", "abab", true)]
    #[case::a_text_many_times("root ::= \"ab\"+", "abb", false)]
    #[case::groups("root ::= (\"a\" | \"b\" item)* # end\nitem ::= [0-9] |", "b1ab", true)]
    #[case::escapes(r#"root ::= "\x41\u00e9\"\\" [\]\-\n]"#, "Aé\"\\]", true)]
    #[case::signs_are_texts(r#"root ::= "a.b(c|d)*[e]""#, "a.b(c|d)*[e]", true)]
    #[case::signs_are_texts(r#"root ::= "a.b""#, "axb", false)]
    #[case::classes_of_signs(r"root ::= [.*&~-]", "-", true)]
    #[case::classes_of_signs(r"root ::= [.*&~-]", "x", false)]
    #[case::any("root ::= .", "\n", true)]
    fn texts_of_a_grammar_match(#[case] grammar: &str, #[case] text: &str, #[case] fits: bool) {
        assert_eq!(matches(grammar, text), fits);
    }

    #[rstest]
    #[case::refers_to_itself("root ::= \"(\" root? \")\"")]
    #[case::by_another("root ::= a\na ::= \"x\" root")]
    #[case::no_root("a ::= \"x\"")]
    #[case::missing("root ::= a")]
    #[case::twice("root ::= \"a\"\nroot ::= \"b\"")]
    #[case::lark("start: \"a\" | \"b\"")]
    #[case::lark_with_a_root("root: /[a-z]+/")]
    #[case::a_token("root ::= <[1000]>")]
    #[case::a_look_ahead("root ::= \"a\" (=\"b\")")]
    #[case::open("root ::= \"a")]
    #[case::nothing("")]
    #[case::doubled(
        "root ::= a a\na ::= b b\nb ::= c c\nc ::= d d\nd ::= e e\ne ::= f f\nf ::= g g\ng ::= h h\nh ::= i i\n\
                     i ::= j j\nj ::= k k\nk ::= l l\nl ::= m m\nm ::= n n\nn ::= o o\no ::= [a-z]"
    )]
    fn other_grammars_are_left_alone(#[case] grammar: &str) {
        assert_eq!(expression(grammar), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(grammar in "(root ::= )?[a-z\"\\[\\]\\\\|*+?(){}0-9,:=#\n .^-]{0,40}") {
            if let Some(expression) = expression(&grammar) {
                let _ = Regex::new(&expression);
            }
        }
    }
}
