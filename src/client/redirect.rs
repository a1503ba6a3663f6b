//! Redirects, which are told and not followed: a request is measured where it was sent, and what it
//! carries is for the target alone.

use url::Url;

/// The longest place that is told, in characters.
const LONGEST: usize = 200;

/// Says where an answer wants the request to go, without what may be a secret.
pub(super) fn told(location: &str) -> String {
    let place = match Url::parse(location) {
        Ok(mut url) => {
            // Of schemes without a host, which have neither.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => location
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    let place: String = place.chars().take(LONGEST).collect();
    format!(
        "the server redirects to {place}. goodput does not follow redirects: if that is the right \
         place, make it the target or the endpoint"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::other_host(
        "https://other.example/v1/chat?key=SECRET#x",
        "to https://other.example/v1/chat. "
    )]
    #[case::user(
        "http://me:SECRET@other.example:81/a",
        "to http://other.example:81/a. "
    )]
    #[case::relative("/v2/chat?key=SECRET", "to /v2/chat. ")]
    fn the_place_without_secrets(#[case] location: &str, #[case] shown: &str) {
        let told = told(location);
        assert!(told.contains(shown), "{told}");
        assert!(!told.contains("SECRET"), "{told}");
    }
}
