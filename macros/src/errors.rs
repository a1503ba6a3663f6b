//! Collects all mistakes, each at its place.

use goodput_grammar::Mistake;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Mistakes in an attribute and its function.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error of the compiler's parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds a message at a place.
    pub(crate) fn at(&mut self, span: Span, sentence: impl std::fmt::Display) {
        self.push(syn::Error::new(span, sentence));
    }

    /// Adds a message over all of some tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, sentence: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, sentence));
    }

    /// Adds the mistakes of a grammar's parser, all at the literal: the compiler provides no spans inside
    /// literals.
    pub(crate) fn mistakes(&mut self, span: Span, mistakes: impl IntoIterator<Item = Mistake>) {
        for mistake in mistakes {
            self.at(span, mistake);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Converts the mistakes to `compile_error!`s.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.0
            .as_ref()
            .map(syn::Error::to_compile_error)
            .unwrap_or_default()
    }

    /// Returns the messages.
    #[cfg(test)]
    pub(crate) fn sentences(self) -> Vec<String> {
        self.0
            .into_iter()
            .flatten()
            .map(|error| error.to_string())
            .collect()
    }
}
