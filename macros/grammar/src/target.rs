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
    /// Several such URLs, separated by blanks: the frontends of one server.
    Urls(Vec<String>),
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
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 1 && words.iter().all(|word| is_url(word)) {
        return urls(&words);
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return one(match text {
            "" => format!("the target is empty; write one of {FORMS}"),
            _ => format!(
                "`{}` is not a target; write one of {FORMS}",
                masked_url(text)
            ),
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
            let shown = masked_url(text);
            one(format!("`{shown}` has no scheme; write `http://{shown}`"))
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

fn is_url(word: &str) -> bool {
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

/// Reads several URLs, each of which is given once.
fn urls(words: &[&str]) -> Result<Target, Mistakes> {
    let mut mistakes = Mistakes::new();
    for (place, word) in words.iter().enumerate() {
        let rest = word.split_once(':').map_or("", |(_, rest)| rest);
        mistakes.extend(url(word, rest).err());
        if words[..place].contains(word) {
            let shown = masked_url(word);
            mistakes.push(Mistake::new(format!("`{shown}` is given twice; keep one")));
        }
    }
    if mistakes.is_empty() {
        let owned = words.iter().map(|word| (*word).to_owned());
        Ok(Target::Urls(owned.collect()))
    } else {
        Err(mistakes)
    }
}

/// A URL without the credentials in it: its user and password, and the values of its query but for such as an API's
/// version. What is not quite a URL is masked as if it were one.
#[must_use]
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url.rfind('@') {
            Some(at) => format!("***@{}", masked_query(&url[at + 1..])),
            None => masked_query(url),
        };
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    // A password with a slash does not belong into a URL, but people write it.
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_cut = !authority.contains('@') && !port.chars().all(|c| c.is_ascii_digit() || c == ']');
    let user = if is_cut && !authority.starts_with('[') {
        rest.rfind('@')
    } else {
        authority.rfind('@')
    };
    match user {
        Some(at) => format!("{scheme}://***@{}", masked_query(&rest[at + 1..])),
        None => format!("{scheme}://{}", masked_query(rest)),
    }
}

/// A path or URL without the values of its query, but for such as an API's version.
#[must_use]
pub fn masked_query(path: &str) -> String {
    const PLAIN: [&str; 6] = [
        "api-version",
        "api_version",
        "version",
        "revision",
        "model",
        "stream",
    ];
    let Some((path, query)) = path.split_once('?') else {
        return match path.split_once('#') {
            Some((path, _)) => format!("{path}#***"),
            None => path.to_owned(),
        };
    };
    let (query, fragment) = match query.split_once('#') {
        Some((query, _)) => (query, "#***"),
        None => (query, ""),
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if !PLAIN.contains(&name) => format!("{name}=***"),
        Some(_) => pair.to_owned(),
        None if pair.is_empty() => String::new(),
        None => "***".to_owned(),
    });
    format!("{path}?{}{fragment}", pairs.collect::<Vec<_>>().join("&"))
}

/// Checks what stands after `http:`. The URL's own parser has the last word when it is used; this
/// one gives the reason early, at compile time, without a URL library in the compiler.
fn url(text: &str, rest: &str) -> Result<(), Mistake> {
    let shown = masked_url(text);
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(Mistake::new(format!(
            "`{shown}` lacks `//` after its scheme; write `http://host:port`"
        )));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // No sentence repeats the whole text: it may hold a password.
    if shown.contains("://***@") {
        return Err(Mistake::new(
            "a URL with a user name or password in it would put them in every report; leave them \
             out and set `api_key`, or `headers`",
        ));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Mistake::new(format!("`{shown}` has a space in it")));
    }
    if text.contains('#') {
        return Err(Mistake::new(format!(
            "`{shown}` has a `#…` part, which is never sent; leave it out"
        )));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').ok_or_else(|| {
            Mistake::new(format!("`{shown}` lacks the `]` after its IPv6 address"))
        })?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err(Mistake::new(format!(
            "`{shown}` has no host; write `http://host:port`"
        )));
    }
    let port = match port {
        "" => return Ok(()),
        port => port.strip_prefix(':').unwrap_or(port),
    };
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err(Mistake::new(format!(
            "`{shown}`: `{port}` is not a port; write a number from 1 to 65535"
        ))),
    }
}

/// Written so that [`parse`] reads the same target back.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Url(url) => f.write_str(url),
            Target::Urls(urls) => f.write_str(&urls.join(" ")),
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
    #[case("http://me:S@h/v1", "http://***@h/v1")]
    #[case("http://me:S/S@h/v1", "http://***@h/v1")]
    #[case("http://S@h", "http://***@h")]
    #[case("http:me:S@h", "***@h")]
    #[case(
        "http://h/v1?api_key=S&api-version=1&S#S",
        "http://h/v1?api_key=***&api-version=1&***#***"
    )]
    #[case("http://h#S", "http://h#***")]
    #[case("http://[::1]:8000/a@b", "http://[::1]:8000/a@b")]
    #[case("https://h:443/org/model@rev", "https://h:443/org/model@rev")]
    fn credentials_in_urls_are_masked(#[case] url: &str, #[case] masked: &str) {
        assert_eq!(masked_url(url), masked);
        // Whatever is wrong with it, no sentence says it.
        let told = format!("{:?}", parse(url).err());
        assert!(
            !told.replace("HTTPS", "").contains("S@") && !told.contains(":S"),
            "{told}"
        );
    }

    #[rstest]
    #[case("http://localhost:8000", Target::Url("http://localhost:8000".into()))]
    #[case(
        "http://a:8000  https://b/v1",
        Target::Urls(vec!["http://a:8000".into(), "https://b/v1".into()])
    )]
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
        "`http://h/#***` has a `#…` part, which is never sent; leave it out"
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
        "unknown setting of the simulation `ttf`; did you mean `ttft`? Valid: ttft, itl, prefill, slowdown, noise, aging, cold, leak, seed, model, engine, faults"
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
