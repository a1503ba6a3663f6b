//! The texts in the sources: doc comments, and string literals, which are messages. Code of tests is left out.

use super::{name, root, without_fences};
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The doc comment of one thing, or one string literal.
pub(super) struct Text {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) is_doc: bool,
}

/// All texts of the library, the attribute and the grammar.
pub(super) fn texts() -> Vec<Text> {
    let mut files = BTreeSet::new();
    let mut tests = BTreeSet::new();
    for folder in ["src", "macros/src", "macros/grammar/src"] {
        read(&root().join(folder), &mut files, &mut tests);
    }
    let is_test = |file: &Path| tests.iter().any(|test: &PathBuf| is_in(file, test));
    let files = files.iter().filter(|file| !is_test(file));
    files
        .flat_map(|file| texts_of(&name(file), &fs::read_to_string(file).unwrap()))
        .collect()
}

/// Whether a file is this module, which has no ending, or below it.
fn is_in(file: &Path, module: &Path) -> bool {
    file.with_extension("") == module || file.starts_with(module)
}

/// Collects the sources of a folder, and the modules that are only compiled for tests.
fn read(folder: &Path, files: &mut BTreeSet<PathBuf>, tests: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, files, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let children = match path.file_stem().and_then(|stem| stem.to_str()).unwrap() {
                "mod" | "lib" | "main" => folder.to_owned(),
                _ => path.with_extension(""),
            };
            tests.extend(
                Reader::of(&text)
                    .test_modules
                    .into_iter()
                    .map(|module| match module {
                        TestModule::Named(module) => children.join(module),
                        TestModule::At(place) => folder.join(place).with_extension(""),
                    }),
            );
            files.insert(path);
        }
    }
}

/// The texts of one source.
fn texts_of(file: &str, source: &str) -> Vec<Text> {
    let texts = Reader::of(source).texts.into_iter();
    let named = texts.map(|(text, is_doc)| Text {
        file: file.to_owned(),
        text,
        is_doc,
    });
    named.collect()
}

/// Where the file of a module is that is only compiled for tests.
#[derive(Debug, PartialEq)]
enum TestModule {
    Named(String),
    /// By an attribute `path`, from the folder of the source.
    At(String),
}

/// Walks the tokens of a source, in which a doc comment is an attribute `doc`.
#[derive(Default)]
struct Reader {
    /// Each text, and whether it is a doc comment.
    texts: Vec<(String, bool)>,
    test_modules: Vec<TestModule>,
}

impl Reader {
    fn of(source: &str) -> Self {
        let mut reader = Reader::default();
        reader.walk(source.parse().unwrap());
        reader
    }

    fn walk(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut doc: Option<Doc> = None;
        let mut rest = &tokens[..];
        while let Some((first, others)) = rest.split_first() {
            if let Some((attribute, is_inner, after)) = attribute(rest) {
                rest = after;
                if let Some(text) = value_of(&attribute, "doc") {
                    // The first item's doc may follow the module's own.
                    if doc.as_ref().is_some_and(|doc| doc.is_inner && !is_inner) {
                        self.keep(doc.take());
                    }
                    let lines = Vec::new();
                    let doc = doc.get_or_insert(Doc { is_inner, lines });
                    doc.lines.push(text);
                } else if is_for_tests(&attribute) {
                    doc = None;
                    rest = self.skip_item(after);
                }
                continue;
            }
            self.keep(doc.take());
            match first {
                TokenTree::Group(group) => self.walk(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    let text = text.map(|text| without_names(&text.value()));
                    self.texts.extend(text.map(|text| (text, false)));
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
            rest = others;
        }
        self.keep(doc);
    }

    fn keep(&mut self, doc: Option<Doc>) {
        let text = doc.map(|doc| without_fences(&doc.lines.join("\n")));
        self.texts.extend(text.map(|text| (text, true)));
    }

    /// Leaves out an item: up to its body, or to the semicolon or comma behind it.
    fn skip_item<'t>(&mut self, mut rest: &'t [TokenTree]) -> &'t [TokenTree] {
        let mut place = None;
        while let Some((attribute, _, after)) = attribute(rest) {
            place = place.or_else(|| value_of(&attribute, "path"));
            rest = after;
        }
        if let [
            TokenTree::Ident(keyword),
            TokenTree::Ident(module),
            TokenTree::Punct(end),
            ..,
        ] = rest
            && keyword == "mod"
            && end.as_char() == ';'
        {
            let named = || TestModule::Named(module.to_string());
            self.test_modules
                .push(place.map_or_else(named, TestModule::At));
        }
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        let end = rest.iter().position(is_end).map_or(rest.len(), |at| at + 1);
        &rest[end..]
    }
}

/// The doc comment under way.
struct Doc {
    /// Whether it belongs to the module around it.
    is_inner: bool,
    lines: Vec<String>,
}

/// The brackets of an attribute with which these tokens begin, whether it is an inner one, and what follows.
fn attribute(tokens: &[TokenTree]) -> Option<(Group, bool, &[TokenTree])> {
    let (TokenTree::Punct(hash), rest) = tokens.split_first()? else {
        return None;
    };
    let (is_inner, rest) = match rest.split_first()? {
        (TokenTree::Punct(mark), rest) if mark.as_char() == '!' => (true, rest),
        _ => (false, rest),
    };
    let (TokenTree::Group(group), rest) = rest.split_first()? else {
        return None;
    };
    let is_one = hash.as_char() == '#'
        && hash.spacing() == Spacing::Alone
        && group.delimiter() == Delimiter::Bracket;
    is_one.then(|| (group.clone(), is_inner, rest))
}

/// The text of `key = "…"`.
fn value_of(attribute: &Group, wanted: &str) -> Option<String> {
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let [
        TokenTree::Ident(key),
        TokenTree::Punct(_),
        TokenTree::Literal(text),
    ] = &tokens[..]
    else {
        return None;
    };
    let text = syn::parse_str::<syn::LitStr>(&text.to_string()).ok()?;
    (key == wanted).then(|| text.value())
}

/// `cfg(test)`, also with more conditions, and `test`.
fn is_for_tests(attribute: &Group) -> bool {
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(only)] => only == "test",
        [TokenTree::Ident(key), TokenTree::Group(condition)] => {
            let condition = condition.stream().to_string();
            let mut words = condition.split(|char: char| !char.is_alphanumeric());
            key == "cfg" && words.any(|word| word == "test")
        }
        _ => false,
    }
}

/// A message without the names in its braces, which are code.
fn without_names(message: &str) -> String {
    let mut inside = false;
    let kept = message.chars().filter(|&char| {
        inside = (inside || char == '{') && char != '}';
        !inside
    });
    kept.collect()
}

#[test]
fn docs_and_strings_are_read_and_tests_are_not() {
    let source = r##"
        //! A module.

        /// A doc.
        ///
        /// ```
        /// code();
        /// ```
        #[must_use]
        fn f() -> String {
            format!("a {message}", g("\
                of two lines"))
        }

        #[cfg(test)]
        mod tests {
            /// A doc of a test.
            const TEXT: &str = "of a test";
        }

        #[cfg(all(test, unix))]
        mod elsewhere;

        #[cfg(test)]
        #[path = "there.rs"]
        mod tests;

        const RAW: &str = r#"raw"#;
    "##;
    let texts = texts_of("f.rs", source);
    let found: Vec<(&str, bool)> = texts.iter().map(|t| (t.text.trim(), t.is_doc)).collect();
    assert_eq!(
        found,
        [
            ("A module.", true),
            ("A doc.", true),
            ("a }", false),
            ("of two lines", false),
            ("raw", false),
        ]
    );
    assert_eq!(texts[0].file, "f.rs");
    assert_eq!(
        Reader::of(source).test_modules,
        [
            TestModule::Named("elsewhere".to_owned()),
            TestModule::At("there.rs".to_owned()),
        ]
    );
}
