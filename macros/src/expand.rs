//! Generates the code of one bench: a function that describes it, its registration, and its test.
//!
//! The code needs the following from the library, all by absolute path, which is `::goodput` unless the key
//! `crate` says otherwise:
//!
//! * `Bench::new(name)` and a method for every key of [`goodput_grammar::names::KEYS`] except
//!   `ignore`, `snapshot` and `crate`. Literals arrive as written (`rate` and `burstiness` as `f64`), so that a method for
//!   text also takes `&str`.
//! * `Report`.
//! * `__private::Case::new(bench, demands, check)`, `demands: bool`, `check: impl FnOnce(&Report) -> Result<(), String> +
//!   'static`, and `__private::Outcome::into_check`, which converts the function's return value.
//! * `__private::Entry` with the fields below and `__private::inventory` to collect it.
//! * `__private::run_test(module, name)` and `__private::block_on(future)`.

use crate::{
    check::{Checked, Library},
    demand::demands,
    errors::Errors,
    function::{self, Attributes, outcome_span},
};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, FnArg, Ident, ItemFn, Visibility, ext::IdentExt, parse_quote, spanned::Spanned,
};

/// Expands a bench without parameters.
pub(crate) fn plain(function: ItemFn, checked: Checked, errors: &mut Errors) -> TokenStream {
    let name = function.sig.ident.clone();
    let mut attributes = Attributes::sort(function.attrs.clone());
    ignore_key(&mut attributes, &checked, errors);
    let arguments: Vec<Argument> = function
        .sig
        .inputs
        .iter()
        .map(|argument| match argument {
            FnArg::Typed(argument) => Argument::Report(argument.ty.span()),
            FnArg::Receiver(receiver) => Argument::Report(receiver.span()),
        })
        .collect();
    let body = case(
        &bench(&name, &checked),
        function,
        &attributes.lints,
        &arguments,
        &checked,
    );
    expectation(&attributes, &checked, errors);
    registration(&name, attributes, &body, checked.compares, &checked.library)
}

/// Checks that a gate that must fail uses one way to say so.
pub(crate) fn expectation(attributes: &Attributes, checked: &Checked, errors: &mut Errors) {
    if let (Some(span), Some(attribute)) = (checked.expect, attributes.named("should_panic")) {
        errors.at(
            span,
            "`expect` and `#[should_panic]` contradict each other; keep `expect`",
        );
        errors.on(attribute, "contradicts `expect`");
    }
}

/// Converts the key `ignore` into the attribute, which the test and the registration read.
pub(crate) fn ignore_key(attributes: &mut Attributes, checked: &Checked, errors: &mut Errors) {
    let Some((span, reason)) = &checked.ignore else {
        return;
    };
    if let Some(attribute) = attributes.named("ignore") {
        errors.at(*span, "ignored twice; keep the key or the attribute");
        errors.on(attribute, "ignored here too");
        return;
    }
    attributes.others.push(if reason.is_empty() {
        parse_quote!(#[ignore])
    } else {
        parse_quote!(#[ignore = #reason])
    });
}

/// Generates `Bench::new("name").rate(10f64)…`.
pub(crate) fn bench(name: &Ident, checked: &Checked) -> TokenStream {
    let (name, calls, library) = (name.unraw().to_string(), &checked.calls, &checked.library);
    quote!(#library::Bench::new(#name) #calls)
}

/// Argument of the user's function.
pub(crate) enum Argument {
    /// The report; a wrong type is reported at this span.
    Report(Span),
    /// A parameter of `rstest`.
    Parameter(Ident),
}

/// Generates the expression of a `Case`: a bench, and the call of the user's function.
///
/// The function is inside the closure, as the user wrote it: it keeps its lints and spans, and the bench's
/// expressions do not see it.
pub(crate) fn case(
    bench: &TokenStream,
    mut function: ItemFn,
    lints: &[Attribute],
    arguments: &[Argument],
    checked: &Checked,
) -> TokenStream {
    let library = &checked.library;
    let name = &function.sig.ident;
    let mut closure_argument = quote!(_);
    if let Some((span, _)) = &checked.snapshot {
        let report = report_at(*span);
        closure_argument = quote!(#report);
    }
    let mut values = Vec::new();
    for argument in arguments {
        values.push(match argument {
            Argument::Report(span) => {
                let report = report_at(*span);
                closure_argument = quote!(#report);
                report
            }
            Argument::Parameter(name) => name.clone(),
        });
    }
    let call = quote_spanned!(outcome_span(&function)=> #name(#(#values),*));
    let call = match function.sig.asyncness {
        Some(_) => quote!(#library::__private::block_on(#call)),
        None => call,
    };
    let check = check_outcome(&call, outcome_span(&function), library);
    let check = then_snapshot(check, checked);
    let demands = demands(&function.block) || checked.snapshot.is_some();
    function.attrs = lints.to_vec();
    function.vis = Visibility::Inherited;
    quote! {
        #library::__private::Case::new(#bench, #demands, move |#closure_argument: &#library::Report| {
            #function
            #check
        })
    }
}

/// Name of the closure's report. Not plain `report`: the user's function may have that name, and would hide
/// a variable.
pub(crate) fn report_at(span: Span) -> Ident {
    Ident::new("__report", Span::mixed_site().located_at(span))
}

/// Adds the snapshot after the function's checks, if there is one. The library's macro reports a missing
/// feature; it expands here, so that the snapshot is next to the test.
pub(crate) fn then_snapshot(check: TokenStream, checked: &Checked) -> TokenStream {
    let Some((span, tolerance)) = &checked.snapshot else {
        return check;
    };
    let report = report_at(*span);
    let tolerance = tolerance
        .as_ref()
        .map(|tolerance| quote_spanned!(*span=> , tolerance = #tolerance));
    // At the key, where the compiler reports the missing feature.
    let at_key = |mut token: TokenTree| {
        token.set_span(*span);
        token
    };
    let library = checked.library.to_token_stream().into_iter();
    let library: TokenStream = library.map(at_key).collect();
    let snapshot = quote_spanned!(*span=> #library::assert_snapshot!(#report #tolerance));
    quote! {
        (#check).map(|()| #snapshot)
    }
}

/// Converts the function's return value for the harness; a wrong type is reported at `span`.
pub(crate) fn check_outcome(outcome: &TokenStream, span: Span, library: &Library) -> TokenStream {
    quote_spanned!(span=> #library::__private::Outcome::into_check(#outcome))
}

/// Generates the items of one bench whose `Case` is `body`. All but the test are in a separate block, so
/// that a duplicate name is one error, at the user's word.
pub(crate) fn registration(
    name: &Ident,
    attributes: Attributes,
    body: &TokenStream,
    compares: bool,
    library: &Library,
) -> TokenStream {
    let plain_name = name.unraw().to_string();
    let ignore = match attributes.ignore() {
        Some(reason) => quote!(::core::option::Option::Some(#reason)),
        None => quote!(::core::option::Option::None),
    };
    let should_panic = attributes.named("should_panic").is_some();
    let attributes = attributes.others;
    quote! {
        const _: () = {
            fn __goodput_case() -> #library::__private::Case {
                #body
            }

            #library::__private::inventory::submit! {
                #library::__private::Entry {
                    module: ::core::module_path!(),
                    name: #plain_name,
                    file: ::core::file!(),
                    line: ::core::line!(),
                    column: ::core::column!(),
                    manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                    ignore: #ignore,
                    should_panic: #should_panic,
                    compares: #compares,
                    case: __goodput_case,
                }
            }
        };

        // The test attribute comes last, so that it sees what the others leave.
        #(#attributes)*
        #[::core::prelude::v1::test]
        fn #name() {
            #library::__private::run_test(::core::module_path!(), #plain_name)
        }
    }
}

/// Keeps the user's function as an ordinary one after errors: the rest of the program still finds it, and
/// the compiler still checks its body.
pub(crate) fn unchanged(mut function: ItemFn) -> TokenStream {
    function.attrs = Attributes::sort(function.attrs).lints;
    for argument in &mut function.sig.inputs {
        match argument {
            FnArg::Typed(argument) => argument.attrs.clear(),
            FnArg::Receiver(receiver) => receiver.attrs.clear(),
        }
    }
    quote! {
        #[allow(dead_code, unused_variables)]
        #function
    }
}

/// Checks a function without parameters, then expands it.
pub(crate) fn checked_plain(
    function: ItemFn,
    checked: Checked,
    errors: &mut Errors,
) -> TokenStream {
    function::check_attributes(&function.attrs, errors);
    function::check_signature(&function, errors);
    plain(function, checked, errors)
}
