//! Recognises names whose values are credentials.

/// Whether the value of a flag, variable, key or header of this name is a credential: its last word says
/// so, however the words are joined.
/// words are joined.
pub(super) fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 15] = [
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pass",
        "pwd",
        "authorization",
        "auth",
        "credential",
        "credentials",
        "cookie",
        "signature",
        "sig",
    ];
    const JOINED: [&str; 8] = [
        "apikey",
        "accesskey",
        "secretkey",
        "authtoken",
        "accesstoken",
        "userpass",
        "authkey",
        "privatekey",
    ];
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    // Names of a special token of a tokenizer, and of a key of a cache.
    let plain = words.len() > 1
        && [
            "eos", "bos", "pad", "unk", "sep", "mask", "image", "video", "audio", "per", "cache",
            "next", "inter", "first", "last", "output", "input", "prompt", "special", "stop",
            "cached", "draft", "new", "each", "one", "zero", "primary", "sort", "group",
        ]
        .contains(&words[words.len() - 2].as_str());
    // Alone, this is the current folder of a shell.
    let plain = plain || words == ["pwd"];
    let last_two: String = words
        .iter()
        .rev()
        .take(2)
        .rev()
        .map(String::as_str)
        .collect();
    !plain
        && (WORDS.contains(&last) || JOINED.contains(&last) || JOINED.contains(&last_two.as_str()))
}

/// Whether a name alone, without a sign that it is a setting, means a credential: `api_key`, but not `key`,
/// which may be part of a sentence.
pub(super) fn is_clearly_secret(name: &str) -> bool {
    const CLEAR: [&str; 6] = [
        "password",
        "passwd",
        "passphrase",
        "authorization",
        "apikey",
        "cookie",
    ];
    let words = words(name);
    is_secret(name)
        && (words.len() > 1
            || words
                .last()
                .is_some_and(|word| CLEAR.contains(&word.as_str())))
}

/// Whether a header's value is a credential. goodput's own headers have none; users' headers usually do.
pub(super) fn is_secret_header(name: &str) -> bool {
    const PARTS: [&str; 11] = [
        "auth",
        "key",
        "token",
        "secret",
        "cookie",
        "pass",
        "credential",
        "signature",
        "session",
        "jwt",
        "csrf",
    ];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}

/// Splits `OPENAI_API_KEY`, `x-api-key` and `apiKey` into lower-case words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        let joint = !c.is_alphanumeric();
        if joint || (c.is_uppercase() && after_small) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (joint, words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("api_key")]
    #[case("--api-key")]
    #[case("apiKey")]
    #[case("OPENAI_API_KEY")]
    #[case("HF_TOKEN")]
    #[case("x-goog-api-key")]
    #[case("apikey")]
    #[case("password")]
    #[case("AWS_SECRET_ACCESS_KEY")]
    #[case("Authorization")]
    #[case("DB_PWD")]
    fn these_hold_credentials(#[case] name: &str) {
        assert!(is_secret(name), "{name}");
    }

    #[rstest]
    #[case("monkey")]
    #[case("max_tokens")]
    #[case("tokenizer")]
    #[case("eos_token")]
    #[case("kv-cache-dtype")]
    #[case("prompt_cache_key")]
    #[case("keyboard")]
    #[case("author")]
    #[case("PWD")]
    #[case("OLDPWD")]
    fn these_do_not(#[case] name: &str) {
        assert!(!is_secret(name), "{name}");
    }
}
