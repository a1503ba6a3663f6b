//! Supports `#[rstest]` parameters, in both orders of the two attributes.
//!
//! **`#[llm_bench]` above `#[rstest]`.** `#[llm_bench]` expands first. The function becomes an `rstest` function with
//! the same parameters, without the report, that returns the `Case`; `rstest` writes one function per case that calls
//! it, and puts the test attribute [`case_attribute`] on each. References among the parameters become `'static`,
//! because the case outlives the call.
//!
//! **`#[rstest]` above `#[llm_bench]`.** `rstest` expands first and puts `#[llm_bench]` on each function it writes,
//! which assigns the parameters and calls the user's function. The assignments move out, so that the attribute's
//! expressions see them.

use crate::{
    check::{Checked, Library},
    demand::demands,
    errors::Errors,
    expand::{
        Argument, bench, case, check_outcome, expectation, ignore_key, registration, report_at,
        then_snapshot,
    },
    function::{self, Attributes, last_word, outcome_span},
};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, FnArg, Item, ItemFn, Lifetime, Pat, Stmt, Type,
    parse::{Parse, ParseStream},
    parse_quote,
    punctuated::Punctuated,
    spanned::Spanned,
};

/// Whether `#[rstest]` is below `#[llm_bench]`.
pub(crate) fn is_below(function: &ItemFn) -> bool {
    function.attrs.iter().any(|a| last_word(a) == "rstest")
}

/// Expands a bench with `#[rstest]` below it.
pub(crate) fn below(function: ItemFn, checked: Checked, errors: &mut Errors) -> TokenStream {
    function::check_attributes(&function.attrs, errors);
    function::check_qualifiers(&function, errors);
    check_attributes(&function, errors);
    let report = function::find_report(&function, errors);

    let mut attributes = Attributes::sort(function.attrs.clone());
    ignore_key(&mut attributes, &checked, errors);
    expectation(&attributes, &checked, errors);
    let library = &checked.library;
    let compares = checked.compares.then(|| quote!(, compares));
    attributes
        .others
        .push(parse_quote!(#[test_attr(#library::__private::rstest_case(#library #compares))]));

    let mut inner = function.clone();
    let mut outer = function;
    let mut arguments = Vec::new();
    for (index, argument) in inner.sig.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        argument.attrs.clear();
        arguments.push(match &*argument.pat {
            _ if report == Some(index) => Argument::Report(argument.ty.span()),
            Pat::Ident(pattern) => {
                // The attribute may use the parameter, too.
                if mentions(checked.calls.clone(), &pattern.ident.to_string()) {
                    argument
                        .attrs
                        .push(parse_quote!(#[allow(unused_variables)]));
                }
                Argument::Parameter(pattern.ident.clone())
            }
            pattern => {
                errors.on(pattern, "a bench's parameter is a plain name");
                continue;
            }
        });
    }
    outer.sig.inputs = outer
        .sig
        .inputs
        .into_iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != report)
        .map(|(_, argument)| passed_on(argument))
        .collect::<Punctuated<_, _>>();
    outer.attrs = attributes.others;
    outer.sig.asyncness = None;
    outer.sig.output = parse_quote!(-> #library::__private::Case);

    let bench = bench(&outer.sig.ident, &checked);
    let case = case(&bench, inner, &attributes.lints, &arguments, &checked);
    outer.block = parse_quote!({ #case });
    outer.into_token_stream()
}

/// Whether a name occurs among these tokens, or in a format text.
fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let mut inside = text.split('{').skip(1);
            inside.any(|part| part.split(['}', ':']).next() == Some(name))
        }
        TokenTree::Punct(_) => false,
    })
}

/// Parameter of the function that `rstest` sees.
fn passed_on(mut argument: FnArg) -> FnArg {
    if let FnArg::Typed(argument) = &mut argument {
        if let Pat::Ident(pattern) = &mut *argument.pat {
            pattern.mutability = None;
        }
        if let Type::Reference(reference) = &mut *argument.ty
            && reference.lifetime.is_none()
        {
            reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span()));
        }
    }
    argument
}

fn check_attributes(function: &ItemFn, errors: &mut Errors) {
    for attribute in &function.attrs {
        match last_word(attribute).as_str() {
            "timeout" => errors.on(
                attribute,
                "`#[timeout]` cannot stop a bench; use the keys `total_timeout` and \
                 `first_token_timeout`",
            ),
            "test_attr" => errors.on(attribute, "`#[llm_bench]` sets `#[test_attr]` itself"),
            _ => {}
        }
    }
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            continue;
        };
        let future = argument.attrs.iter().find(|a| a.path().is_ident("future"));
        if let Some(attribute) = future {
            errors.on(
                attribute,
                "a bench's parameters must be ready before it runs; await the future in the body \
                 of an `async fn`, or make the fixture an ordinary one",
            );
        }
    }
}

/// Arguments of `#[rstest_case]`: the path of goodput, and a word if the bench compares.
pub(crate) struct CaseArguments {
    library: Library,
    compares: bool,
}

impl Parse for CaseArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let library = Library(input.parse()?);
        let compares = !input.parse::<TokenStream>()?.is_empty();
        Ok(CaseArguments { library, compares })
    }
}

/// Expands `#[rstest_case]` on a function that `rstest` wrote: it returns the `Case`.
pub(crate) fn case_attribute(function: ItemFn, arguments: &CaseArguments) -> TokenStream {
    let body = function.block.stmts.iter().map(ToTokens::to_token_stream);
    registration(
        &function.sig.ident,
        Attributes::all_on_the_test(function.attrs),
        &body.collect(),
        arguments.compares,
        &arguments.library,
    )
}

/// Whether `rstest` wrote this function around a call of the user's.
pub(crate) fn is_above(function: &ItemFn) -> bool {
    let by_rstest = |attribute: &Attribute| {
        attribute.path().is_ident("test")
            // `rstest`'s tokens have the span of its own attribute; the user's are the word itself.
            && attribute.path().span().source_text().as_deref() != Some("test")
    };
    function.attrs.iter().any(by_rstest)
        && match function.block.stmts.last() {
            Some(Stmt::Expr(Expr::Call(_), None)) => true,
            Some(Stmt::Expr(Expr::Await(_), None)) => function.sig.asyncness.is_some(),
            _ => false,
        }
}

/// Expands a function that `rstest` wrote.
pub(crate) fn above(mut function: ItemFn, checked: Checked, errors: &mut Errors) -> TokenStream {
    function.attrs.retain(|a| !a.path().is_ident("test"));
    function::check_attributes(&function.attrs, errors);
    function::check_signature(&function, errors);
    let mut attributes = Attributes::all_on_the_test(function.attrs.clone());
    ignore_key(&mut attributes, &checked, errors);

    expectation(&attributes, &checked, errors);

    let library = &checked.library;
    let name = &function.sig.ident;
    let span = outcome_span(&function);
    let report: Pat = match function.sig.inputs.first() {
        Some(FnArg::Typed(argument)) => (*argument.pat).clone(),
        _ => parse_quote!(_),
    };
    let stmts = &function.block.stmts;
    // Without cases the user's function itself comes first, then the assignments.
    let assigned = stmts
        .iter()
        .take_while(|stmt| matches!(stmt, Stmt::Local(_) | Stmt::Item(_)))
        .count();
    let (assignments, rest) = stmts.split_at(assigned);
    let outcome = match function.sig.asyncness {
        Some(_) => quote!(#library::__private::block_on(async move { #(#rest)* })),
        None => quote!({ #(#rest)* }),
    };
    let check = check_outcome(&outcome, span, library);
    let bench = bench(name, &checked);
    let (argument, named) = match &checked.snapshot {
        Some((span, _)) => {
            let whole = report_at(*span);
            (quote!(#whole), quote!(let #report = #whole;))
        }
        None => (quote!(#report), TokenStream::new()),
    };
    let check = then_snapshot(check, &checked);
    // Without cases the function is among the statements; a function elsewhere is unknown.
    let own = stmts.iter().find_map(|stmt| match stmt {
        Stmt::Item(Item::Fn(function)) => Some(demands(&function.block)),
        _ => None,
    });
    let demands = own.unwrap_or(true) || checked.snapshot.is_some();
    let body = quote! {
        #(#assignments)*
        #library::__private::Case::new(#bench, #demands, move |#argument: &#library::Report| {
            #named
            #check
        })
    };
    registration(name, attributes, &body, checked.compares, library)
}
