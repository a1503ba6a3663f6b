//! Parses the keys and values in `#[llm_bench(…)]`, without checking them.

use crate::errors::Errors;
use goodput_grammar::names::{Key, Kind, key_named, known_key};
use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Ident, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    token,
};

/// A known key with its value.
pub(crate) struct Setting {
    pub(crate) ident: Ident,
    pub(crate) key: &'static Key,
    /// `None` for a key without a value.
    pub(crate) value: Option<Expr>,
}

/// Parses the settings. After a mistake it continues behind the next comma, so that one mistake does not
/// hide the others.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<Setting> {
    let mut settings = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match setting(input) {
                Ok((ident, value)) => match known_key(&ident.unraw().to_string()) {
                    Ok(key) => settings.push(Setting { ident, key, value }),
                    Err(mistake) => errors.at(ident.span(), mistake),
                },
                Err(error) => {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                errors.push(input.error("expected `,` before this"));
                skip_to_comma(input)?;
                let _ = input.parse::<Token![,]>();
            }
        }
        Ok(())
    };
    if let Err(error) = read.parse2(tokens) {
        errors.push(error);
    }
    settings
}

fn setting(input: ParseStream<'_>) -> syn::Result<(Ident, Option<Expr>)> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected a key, such as `rate = 10`"));
    }
    let ident = input.call(Ident::parse_any)?;
    let example =
        key_named(&ident.unraw().to_string()).map_or_else(|| format!("{ident} = …"), key_example);
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            let sentence = format!("`{ident}` has no value; write `{example}`");
            return Err(syn::Error::new(ident.span(), sentence));
        }
        return Ok((ident, Some(input.parse()?)));
    }
    if input.peek(token::Paren) || input.peek(Token![:]) {
        return Err(input.error(format!("expected `=`; write `{example}`")));
    }
    if input.peek(Token![-]) {
        return Err(input.error("keys are written with underscores, such as `max_concurrency`"));
    }
    Ok((ident, None))
}

/// Formats `key = value` as an example.
pub(crate) fn key_example(key: &Key) -> String {
    match key.kind {
        Kind::Flag if key.example == "true" => key.name.to_owned(),
        _ => format!("{} = {}", key.name, key.example),
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{ToTokens, quote};

    fn parsed(tokens: TokenStream) -> (Vec<String>, Vec<String>) {
        let mut errors = Errors::default();
        let settings = parse(tokens, &mut errors)
            .iter()
            .map(|setting| {
                let value = setting.value.as_ref().map(ToTokens::to_token_stream);
                format!("{} {}", setting.key.name, value.unwrap_or_default())
            })
            .collect();
        (settings, errors.sentences())
    }

    #[test]
    fn keys_stand_alone_or_with_any_expression() {
        let (settings, errors) = parsed(quote!(
            rate = 10,
            stream,
            target = f::<A, B>(1, 2),
            seed = N + 1,
        ));
        assert_eq!(
            settings,
            [
                "rate 10",
                "stream ",
                "target f :: < A , B > (1 , 2)",
                "seed N + 1"
            ]
        );
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn one_mistake_does_not_hide_the_next() {
        let (settings, errors) = parsed(quote!(
            raet = 1, slo("x"), = 3, seed = , max-concurrency = 3, rate: 5, requests = 1 2, seed = 7
        ));
        assert_eq!(settings, ["requests 1", "seed 7"]);
        let starts = [
            "unknown key `raet`; did you mean `rate`?",
            "expected `=`; write `slo = \"p99(ttft) < 300ms, errors < 1%\"`",
            "expected a key, such as `rate = 10`",
            "`seed` has no value; write `seed = 7`",
            "keys are written with underscores",
            "expected `=`; write `rate = 10`",
            "expected `,` before this",
        ];
        assert_eq!(errors.len(), starts.len(), "{errors:#?}");
        for (error, start) in errors.iter().zip(starts) {
            assert!(error.starts_with(start), "{error}");
        }
    }
}
