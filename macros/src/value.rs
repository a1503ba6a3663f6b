//! Classifies values in `#[llm_bench(…)]` by their tokens.

use syn::{Expr, ExprLit, Lit, LitStr, UnOp};

/// A value, classified by its tokens.
pub(crate) enum Value<'a> {
    Text(&'a LitStr),
    /// Digits of an integer literal.
    Whole(String),
    /// Digits of a float literal.
    Float(String),
    Negative,
    Bool(bool),
    Array(&'a syn::ExprArray),
    OtherLiteral,
    Expression,
}

impl<'a> Value<'a> {
    pub(crate) fn of(expr: &'a Expr) -> Self {
        match expr {
            Expr::Lit(ExprLit { lit, .. }) => match lit {
                Lit::Str(text) => Value::Text(text),
                Lit::Int(number) => Value::Whole(number.base10_digits().to_owned()),
                Lit::Float(number) => Value::Float(number.base10_digits().to_owned()),
                Lit::Bool(flag) => Value::Bool(flag.value),
                _ => Value::OtherLiteral,
            },
            // Arguments of a `macro_rules!` macro are in an invisible group.
            Expr::Group(group) => Value::of(&group.expr),
            Expr::Array(array) => Value::Array(array),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                match Value::of(&unary.expr) {
                    Value::Whole(_) | Value::Float(_) => Value::Negative,
                    _ => Value::Expression,
                }
            }
            _ => Value::Expression,
        }
    }

    pub(crate) fn found(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Whole(_) => "a number",
            Value::Float(_) => "a decimal number",
            Value::Negative => "a negative number",
            Value::Bool(_) => "a flag",
            Value::Array(_) => "an array",
            Value::OtherLiteral => "another kind of literal",
            Value::Expression => "an expression",
        }
    }
}
