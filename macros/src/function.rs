//! Checks which functions can be a bench, and sorts their attributes.

use crate::errors::Errors;
use syn::{
    Attribute, Expr, FnArg, ItemFn, Lit, Meta, MetaNameValue, PatType, ReturnType, Type,
    spanned::Spanned,
};

/// Attributes of a function, by where they belong in the expansion.
#[derive(Default)]
pub(crate) struct Attributes {
    /// Lint levels: they concern the body, so they stay with it.
    pub(crate) lints: Vec<Attribute>,
    /// All other attributes, which go to the test.
    pub(crate) others: Vec<Attribute>,
}

impl Attributes {
    /// Sorts attributes. `#[cfg]` and `#[cfg_attr]` need no care: the compiler resolves them before it
    /// calls any macro, wherever they are.
    pub(crate) fn sort(attributes: Vec<Attribute>) -> Self {
        let (lints, others) = attributes.into_iter().partition(is_lint);
        Attributes { lints, others }
    }

    /// Sorts the attributes of a function that `rstest` wrote: its lint levels concern its name.
    pub(crate) fn all_on_the_test(attributes: Vec<Attribute>) -> Self {
        Attributes {
            lints: Vec::new(),
            others: attributes,
        }
    }

    /// Reads `#[ignore]` as `Some("")` and `#[ignore = "reason"]` as `Some(reason)`.
    pub(crate) fn ignore(&self) -> Option<String> {
        let attribute = self.named("ignore")?;
        match &attribute.meta {
            Meta::NameValue(MetaNameValue {
                value: Expr::Lit(value),
                ..
            }) => match &value.lit {
                Lit::Str(reason) => Some(reason.value()),
                _ => Some(String::new()),
            },
            _ => Some(String::new()),
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Attribute> {
        let mut all = self.others.iter();
        all.find(|attribute| attribute.path().is_ident(name))
    }
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "warn", "deny", "forbid", "expect"]
        .iter()
        .any(|level| attribute.path().is_ident(level))
}

/// Last word of an attribute's path: `test` of `#[tokio::test]`.
pub(crate) fn last_word(attribute: &Attribute) -> String {
    let last = attribute.path().segments.last();
    last.map(|segment| segment.ident.to_string())
        .unwrap_or_default()
}

/// Refuses attributes that create a test themselves.
pub(crate) fn check_attributes(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        let path = attribute.path();
        let shown = quote::quote!(#path).to_string().replace(' ', "");
        match last_word(attribute).as_str() {
            "test" => errors.on(
                attribute,
                format!(
                    "`#[llm_bench]` makes the test itself, runtime included; remove `#[{shown}]`"
                ),
            ),
            "llm_bench" => errors.on(
                attribute,
                "a function is one bench; remove the second `#[llm_bench]`",
            ),
            "bench" | "test_case" | "divan" => errors.on(
                attribute,
                format!(
                    "`#[llm_bench]` makes the test itself; remove `#[{shown}]` (for several cases \
                     of one bench use `#[rstest]`)"
                ),
            ),
            _ => {}
        }
    }
}

/// Refuses functions that the harness cannot call: it knows `fn f()`, `fn f(report: &Report)`,
/// both also `async`, with `()` or a `Result` as outcome.
pub(crate) fn check_signature(function: &ItemFn, errors: &mut Errors) {
    check_qualifiers(function, errors);
    for (index, argument) in function.sig.inputs.iter().enumerate() {
        match argument {
            FnArg::Receiver(receiver) => {
                errors.on(receiver, "a bench is a free function; remove `self`");
            }
            FnArg::Typed(_) if index > 0 => errors.on(
                argument,
                "a bench takes at most its report; for parameters put `#[rstest]` with `#[case]`s \
                 below `#[llm_bench]`",
            ),
            FnArg::Typed(argument) => check_report(argument, errors),
        }
    }
}

/// Refuses qualifiers that a bench cannot have, whatever its arguments.
pub(crate) fn check_qualifiers(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(token) = &signature.constness {
        errors.on(token, "a bench cannot be `const`");
    }
    if let Some(token) = &signature.unsafety {
        errors.on(token, "a bench cannot be `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        errors.on(abi, "a bench cannot be `extern`");
    }
    if !signature.generics.params.is_empty() {
        errors.on(&signature.generics.params, "a bench cannot be generic");
    } else if let Some(clause) = &signature.generics.where_clause {
        errors.on(clause, "a bench cannot have a `where` clause");
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && !matches!(&**ty, Type::Path(_))
        && !matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
    {
        errors.on(ty, "a bench returns nothing or a `Result`");
    }
}

/// Checks that an argument can be the report. A reference to a type of another name passes, because it may
/// be an alias; the type checker checks it.
fn check_report(argument: &PatType, errors: &mut Errors) {
    match &*argument.ty {
        Type::Reference(reference) => {
            if let Some(mutability) = &reference.mutability {
                errors.on(
                    mutability,
                    "the report is a shared reference; write `&Report`",
                );
            }
        }
        ty if is_report(ty) => errors.on(
            ty,
            "the harness keeps the report; take it by reference: `&Report`",
        ),
        ty => errors.on(
            ty,
            "a bench takes at most its report, `&Report`; for parameters put `#[rstest]` with \
             `#[case]`s below `#[llm_bench]`",
        ),
    }
}

/// Finds the report among the arguments of a parametrised bench, by the name of its type.
pub(crate) fn find_report(function: &ItemFn, errors: &mut Errors) -> Option<usize> {
    let mut found = None;
    for (index, argument) in function.sig.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = argument else {
            errors.on(argument, "a bench is a free function; remove `self`");
            continue;
        };
        let target = match &*argument.ty {
            Type::Reference(reference) => &*reference.elem,
            ty => ty,
        };
        if !is_report(target) {
            continue;
        }
        check_report(argument, errors);
        if found.replace(index).is_some() {
            errors.on(argument, "a bench has one report");
        }
    }
    found
}

fn is_report(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "Report"),
        _ => false,
    }
}

/// Span for a type error about the outcome.
pub(crate) fn outcome_span(function: &ItemFn) -> proc_macro2::Span {
    match &function.sig.output {
        ReturnType::Default => proc_macro2::Span::call_site(),
        // Located at the type, but still the macro's: lints about how the outcome is passed on do not
        // concern the user.
        ReturnType::Type(_, ty) => proc_macro2::Span::mixed_site().located_at(ty.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn errors_of(text: &str) -> Vec<String> {
        let function: ItemFn = syn::parse_str(text).unwrap();
        let mut errors = Errors::default();
        check_attributes(&function.attrs, &mut errors);
        check_signature(&function, &mut errors);
        errors.sentences()
    }

    #[rstest]
    #[case("fn f() {}")]
    #[case("fn f(report: &Report) {}")]
    #[case("async fn f(_: &goodput::Report) -> Result<(), Error> {}")]
    #[case("fn f(r: &Alias) -> anyhow::Result<()> {}")]
    #[case("#[ignore] #[should_panic] #[doc = \"x\"] fn f() -> () {}")]
    fn accepts(#[case] text: &str) {
        assert_eq!(errors_of(text), [""; 0]);
    }

    #[rstest]
    #[case("fn f(report: Report) {}", "take it by reference: `&Report`")]
    #[case("fn f(report: &mut Report) {}", "shared reference")]
    #[case("fn f(rate: f64) {}", "a bench takes at most its report, `&Report`")]
    #[case("fn f(report: &Report, rate: f64) {}", "put `#[rstest]`")]
    #[case("fn f<T>() {}", "cannot be generic")]
    #[case("fn f<'a>(report: &'a Report) {}", "cannot be generic")]
    #[case("fn f() where u8: Copy {}", "`where`")]
    #[case("unsafe fn f() {}", "`unsafe`")]
    #[case("const fn f() {}", "`const`")]
    #[case("extern \"C\" fn f() {}", "`extern`")]
    #[case("fn f() -> impl Sized {}", "returns nothing or a `Result`")]
    #[case("fn f() -> &'static str {}", "returns nothing or a `Result`")]
    #[case("#[test] fn f() {}", "remove `#[test]`")]
    #[case("#[tokio::test] fn f() {}", "remove `#[tokio::test]`")]
    #[case("#[test_case(1)] fn f() {}", "remove `#[test_case]`")]
    #[case("#[goodput::llm_bench] fn f() {}", "one bench")]
    fn refuses(#[case] text: &str, #[case] part: &str) {
        let errors = errors_of(text);
        assert!(errors.len() == 1 && errors[0].contains(part), "{errors:?}");
    }

    #[test]
    fn attributes_are_sorted_and_read() {
        let function: ItemFn =
            syn::parse_str("#[allow(x)] #[ignore = \"why\"] #[expect(y)] #[doc = \"d\"] fn f() {}")
                .unwrap();
        let attributes = Attributes::sort(function.attrs);
        assert_eq!(attributes.lints.len(), 2);
        assert_eq!(attributes.others.len(), 2);
        assert_eq!(attributes.ignore().as_deref(), Some("why"));
    }
}
