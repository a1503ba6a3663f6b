//! What is measured, as text: `http://host:8000`, `unix:/run/llm.sock`, `env:LLM_URL`,
//! `sim(ttft = 50ms, itl = 10ms)`.

use crate::call::Call;
use crate::{Mistake, Mistakes, mistake, sim, sim::Script};
use std::fmt;

/// A target that fits in a string.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `http://…` or `https://…`, kept as written.
    Url(String),
    /// `unix:/path`: HTTP over a Unix socket.
    Unix(std::path::PathBuf),
    /// `env:NAME`: the URL stands in an environment variable.
    Env(String),
    /// `sim` or `sim(…)`: the built-in simulation.
    Simulation(Script),
}

const FORMS: &str = "`http://host:port`, `https://host`, `unix:/path`, `env:NAME`, `sim`, `sim(…)`";

/// Reads a target.
///
/// # Errors
/// A form that is none of the four, a URL without a host or with a password in it, an impossible
/// name of an environment variable, and every mistake in a simulation's settings.
pub fn parse(text: &str) -> Result<Target, Mistakes> {
    let text = text.trim();
    let one = |sentence: String| Err(vec![Mistake(sentence)]);
    if text == "sim" || text.starts_with("sim(") || text.starts_with("sim (") {
        let call = Call::parse(text).map_err(|mistake| vec![mistake])?;
        let inside = match call.args {
            Some(_) => &text[text.find('(').map_or(0, |open| open + 1)..text.len() - 1],
            None => "",
        };
        return sim::parse(inside).map(Target::Simulation);
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return one(match text {
            "" => format!("the target is empty; write one of {FORMS}"),
            _ => format!("`{text}` is not a target; write one of {FORMS}"),
        });
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => url(text, rest)
            .map(|()| Target::Url(text.to_owned()))
            .map_err(|mistake| vec![mistake]),
        "unix" => match rest {
            "" => one("`unix:` has no path; write `unix:/run/llm.sock`".to_owned()),
            _ if rest.starts_with("//") => one(format!(
                "`{text}` is not a path; write `unix:/{}`",
                rest.trim_start_matches('/')
            )),
            path => Ok(Target::Unix(path.into())),
        },
        "env" => {
            let name = rest.trim();
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty()
                || name.starts_with(|c: char| c.is_ascii_digit())
                || !name.chars().all(word)
            {
                return one(format!(
                    "`{name}` is not the name of an environment variable; write letters, digits \
                     and `_`, as in `env:LLM_URL`"
                ));
            }
            Ok(Target::Env(name.to_owned()))
        }
        _ if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            one(format!("`{text}` has no scheme; write `http://{text}`"))
        }
        other => match mistake::closest(other, &["http", "https", "unix", "env", "sim"]) {
            Some(near) => one(format!(
                "unknown kind of target `{scheme}:`; did you mean `{near}`? Write one of {FORMS}"
            )),
            None => one(format!(
                "unknown kind of target `{scheme}:`; write one of {FORMS}"
            )),
        },
    }
}

/// Checks what stands after `http:`. The URL's own parser has the last word when it is used; this
/// one gives the reason early, at compile time, without a URL library in the compiler.
fn url(text: &str, rest: &str) -> Result<(), Mistake> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(Mistake::new(format!(
            "`{text}` lacks `//` after its scheme; write `http://host:port`"
        )));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Neither sentence repeats the text: it may hold a password, and a message is no place for one.
    if authority.contains('@') {
        return Err(Mistake::new(
            "a URL with a user name or password in it would put them in every report; leave them \
             out and set `api_key`, or `headers`",
        ));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Mistake::new(format!("`{text}` has a space in it")));
    }
    if text.contains('#') {
        return Err(Mistake::new(format!(
            "`{text}` has a `#…` part, which is never sent; leave it out"
        )));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').ok_or_else(|| {
            Mistake::new(format!("`{text}` lacks the `]` after its IPv6 address"))
        })?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err(Mistake::new(format!(
            "`{text}` has no host; write `http://host:port`"
        )));
    }
    let port = match port {
        "" => return Ok(()),
        port => port.strip_prefix(':').unwrap_or(port),
    };
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err(Mistake::new(format!(
            "`{text}`: `{port}` is not a port; write a number from 1 to 65535"
        ))),
    }
}

/// Written so that [`parse`] reads the same target back.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Url(url) => f.write_str(url),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
            Target::Env(name) => write!(f, "env:{name}"),
            Target::Simulation(script) => write!(f, "sim({script})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://localhost:8000", Target::Url("http://localhost:8000".into()))]
    #[case(" HTTPS://api.example.com/v2 ", Target::Url("HTTPS://api.example.com/v2".into()))]
    #[case("http://[::1]:8000/", Target::Url("http://[::1]:8000/".into()))]
    #[case("http://h?version=1", Target::Url("http://h?version=1".into()))]
    #[case("unix:/run/llm.sock", Target::Unix("/run/llm.sock".into()))]
    #[case("env:LLM_URL", Target::Env("LLM_URL".into()))]
    #[case("sim", Target::Simulation(Script::default()))]
    #[case("sim()", Target::Simulation(Script::default()))]
    #[case("sim(seed = 3)", Target::Simulation(Script { seed: 3, ..Script::default() }))]
    fn reads_and_writes(#[case] text: &str, #[case] target: Target) {
        assert_eq!(parse(text), Ok(target.clone()));
        assert_eq!(parse(&target.to_string()), Ok(target));
    }

    #[rstest]
    #[case(
        "localhost:8000",
        "`localhost:8000` has no scheme; write `http://localhost:8000`"
    )]
    #[case(
        "http:/h",
        "`http:/h` lacks `//` after its scheme; write `http://host:port`"
    )]
    #[case("http://", "`http://` has no host; write `http://host:port`")]
    #[case("http://:80", "`http://:80` has no host; write `http://host:port`")]
    #[case(
        "http://h:99999",
        "`http://h:99999`: `99999` is not a port; write a number from 1 to 65535"
    )]
    #[case("http://[::1", "`http://[::1` lacks the `]` after its IPv6 address")]
    #[case("http://a b", "`http://a b` has a space in it")]
    #[case(
        "http://h/#x",
        "`http://h/#x` has a `#…` part, which is never sent; leave it out"
    )]
    #[case("unix:", "`unix:` has no path; write `unix:/run/llm.sock`")]
    #[case("unix:///run/x", "`unix:///run/x` is not a path; write `unix:/run/x`")]
    #[case(
        "env:LLM-URL",
        "`LLM-URL` is not the name of an environment variable; write letters, digits and `_`, as \
         in `env:LLM_URL`"
    )]
    #[case("sim(seed = 1", "`sim(seed = 1` lacks its closing `)`")]
    #[case(
        "sim(ttf = 1ms)",
        "unknown setting of the simulation `ttf`; did you mean `ttft`? Valid: ttft, itl, prefill, slowdown, noise, seed, model, engine, faults"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
    }

    #[rstest]
    #[case(
        "htp://h",
        "unknown kind of target `htp:`; did you mean `http`? Write one of `http://"
    )]
    #[case(
        "ftp:x",
        "unknown kind of target `ftp:`; did you mean `http`? Write one of `http://"
    )]
    #[case("simulate", "`simulate` is not a target; write one of `http://")]
    #[case("", "the target is empty; write one of `http://")]
    fn names_the_forms(#[case] text: &str, #[case] beginning: &str) {
        let said = parse(text).unwrap_err()[0].to_string();
        assert!(said.starts_with(beginning), "{said}");
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let said = parse("http://user:hunter2@host").unwrap_err()[0].to_string();
        assert!(
            said.contains("api_key") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
