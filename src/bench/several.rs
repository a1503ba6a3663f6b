//! Several answers to one request, which goodput does not measure: their tokens come in one stream, are counted
//! together, and would make the time of a token too short.

use crate::problem::Problem;
use serde_json::{Map, Value};

/// Fields that ask for several answers.
const FIELDS: [&str; 4] = ["n", "best_of", "num_return_sequences", "n_cmpl"];

/// Objects in which sampling is set, where a dialect has one.
const SETTINGS: [&str; 3] = ["sampling_params", "parameters", "options"];

/// The problem with fields of a body, if they ask for several answers.
pub(super) fn problem(fields: &Map<String, Value>) -> Option<Problem> {
    let own = asks(fields).map(|(field, number)| (field.to_owned(), number));
    let (field, number) = own.or_else(|| {
        SETTINGS.iter().find_map(|settings| {
            let (field, number) = asks(fields.get(*settings)?.as_object()?)?;
            Some((format!("{settings}.{field}"), number))
        })
    })?;
    Some(Problem::new(
        "extra_body",
        format!("{field} = {number}"),
        "asks for several answers to a request, and goodput measures one. Remove it, and raise the \
         rate or the number of requests instead",
    ))
}

fn asks(fields: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    FIELDS.into_iter().find_map(|field| {
        let number = fields.get(field)?;
        (number.as_f64()? > 1.0).then_some((field, number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"n": 2}"#, Some("n = 2"))]
    #[case(r#"{"best_of": 4, "temperature": 1}"#, Some("best_of = 4"))]
    #[case(r#"{"sampling_params": {"n": 3}}"#, Some("sampling_params.n = 3"))]
    #[case(r#"{"parameters": {"best_of": 2}}"#, Some("parameters.best_of = 2"))]
    #[case(r#"{"n": 1, "best_of": 1, "parameters": {"best_of": 1}}"#, None)]
    #[case(r#"{"n": "2"}"#, None)]
    #[case("{}", None)]
    fn several_answers(#[case] fields: &str, #[case] expected: Option<&str>) {
        let fields = serde_json::from_str(fields).unwrap();
        let found = problem(&fields).map(|problem| problem.to_string());
        match expected {
            Some(shown) => assert!(
                found.as_ref().is_some_and(|text| text.contains(shown)),
                "{found:?}"
            ),
            None => assert_eq!(found, None),
        }
    }
}
