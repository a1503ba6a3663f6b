//! The `#[llm_bench]` attribute of `goodput`. Use it as `goodput::llm_bench`.

mod args;
mod check;
mod classes;
mod demand;
mod errors;
mod expand;
mod function;
mod proof;
mod rstest;
mod value;

use errors::Errors;
use proc_macro2::{Span, TokenStream};
use syn::ItemFn;

#[doc = include_str!("llm_bench.md")]
#[proc_macro_attribute]
pub fn llm_bench(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(args.into(), item.into()).into()
}

/// Test attribute that `#[llm_bench]` makes `rstest` put on every case, with the path of goodput in it, and
/// a word if the bench compares. Not for users.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn rstest_case(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let expanded = syn::parse(arguments)
        .and_then(|arguments| Ok(rstest::case_attribute(syn::parse(item)?, &arguments)));
    match expanded {
        Ok(items) => items.into(),
        Err(error) => error.to_compile_error().into(),
    }
}

fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let settings = args::parse(args, &mut errors);
    let checked = check::check(&settings, &mut errors);
    let Ok(function) = syn::parse2::<ItemFn>(item.clone()) else {
        errors.at(Span::call_site(), "`#[llm_bench]` goes on a function");
        let errors = errors.to_compile_errors();
        return quote::quote!(#errors #item);
    };
    let original = function.clone();
    let expanded = if rstest::is_below(&function) {
        rstest::below(function, checked, &mut errors)
    } else if rstest::is_above(&function) {
        rstest::above(function, checked, &mut errors)
    } else {
        expand::checked_plain(function, checked, &mut errors)
    };
    if errors.is_empty() {
        return expanded;
    }
    let errors = errors.to_compile_errors();
    let original = expand::unchanged(original);
    quote::quote!(#errors #original)
}

#[cfg(test)]
mod tests {
    use goodput_grammar::names::KEYS;

    #[test]
    fn the_documentation_has_every_key() {
        let documentation = include_str!("llm_bench.md");
        for key in KEYS {
            let line = format!("| `{}` | `{}` | {} |", key.name, key.example, key.doc);
            assert!(documentation.contains(&line), "missing: {line}");
        }
    }
}
