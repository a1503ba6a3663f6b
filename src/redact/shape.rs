//! Recognises credentials by the name next to them, or by their form.

use super::{
    mask::MASK,
    name::{is_clearly_secret, is_secret},
};
use crate::grammar::target::{masked_query, masked_url};
use regex_lite::{Captures, Regex};
use std::{borrow::Cow, sync::LazyLock};

/// Endings of credential names; this only finds candidates, and `is_secret` decides.
macro_rules! secret_word {
    () => {
        "(?i:key|token|secret|password|passwd|passphrase|pass|pwd|authorization|auth|credentials?|cookie|signature|sig)"
    };
}

/// A pattern, a text without which no match is possible, and the replacement.
struct Rule {
    pattern: LazyLock<Option<Regex>>,
    needs: &'static [&'static str],
    mask: fn(&Captures<'_>, Tell<'_>) -> String,
}

/// Receives each credential.
type Tell<'a> = &'a mut dyn FnMut(&str);

/// The rules in their order: later rules ignore what earlier ones have masked.
static RULES: [Rule; 9] = [
    // scheme://user:password@host/path?name=value
    Rule {
        pattern: LazyLock::new(|| Regex::new(r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>`]+"#).ok()),
        needs: &["://"],
        mask: |found, tell| {
            tell_query(&found[0], tell);
            masked_url(&found[0])
        },
    },
    // /path?name=value
    Rule {
        pattern: LazyLock::new(|| Regex::new(r#"(^|[\s"'`(=])(/[^\s?"'<>`]*\?[^\s"'<>`]+)"#).ok()),
        needs: &["?"],
        mask: |found, tell| {
            tell_query(&found[2], tell);
            format!("{}{}", &found[1], masked_query(&found[2]))
        },
    },
    // Authorization: Bearer value
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(r"(?i)\b((?:proxy-)?authorization|cookie)(\s*[:=]\s*)([^\r\n'\x22}]+)").ok()
        }),
        needs: &["uthorization", "UTHORIZATION", "ookie", "OOKIE"],
        mask: |found, tell| {
            tell_header(&found[3], tell);
            format!("{}{}{MASK}", &found[1], &found[2])
        },
    },
    // "name": "value", 'name': ['value'], and the same quoted once more
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r#"(\\*["'])([\w.$ -]*"#,
                secret_word!(),
                r#")(\\*["']\s*[:=]\s*)"#,
                r#"(\[[^\]\n]*\]|\\+"[^"\\]*\\*"?|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s,}\]]+)"#
            ))
            .ok()
        }),
        needs: &["\"", "'"],
        mask: |found, tell| {
            if is_secret(&found[2]) {
                for word in found[4].split(['"', '\'', '\\', '[', ']', ',']) {
                    tell(word.trim());
                }
                let quote = &found[1];
                format!("{quote}{}{}{quote}{MASK}{quote}", &found[2], &found[3])
            } else {
                found[0].to_owned()
            }
        },
    },
    // --name value, --name=value, '--name', 'value'
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r#"(^|[\s"'`\[(,])(--?(?:[A-Za-z][\w.-]*)?"#,
                secret_word!(),
                r#")(=|\s+|["'],?\s*["'])("[^"]*"?|'[^']*'?|[^\s"',\]-][^\s"',\]]*|-[^\s"',\]-][^\s"',\]]*)"#
            ))
            .ok()
        }),
        needs: &["-"],
        mask: |found, tell| {
            if is_secret(&found[2]) {
                tell(unquoted(&found[4]));
                format!("{}{}{}{MASK}", &found[1], &found[2], &found[3])
            } else {
                found[0].to_owned()
            }
        },
    },
    // NAME=value
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r#"([\w.-]*"#,
                secret_word!(),
                r#")=("[^"]*"?|'[^']*'?|[^\s,;&"'`)}\]]+)"#
            ))
            .ok()
        }),
        needs: &["="],
        mask: |found, tell| {
            if is_secret(&found[1]) {
                tell(unquoted(&found[2]));
                format!("{}={MASK}", &found[1])
            } else {
                found[0].to_owned()
            }
        },
    },
    // name: value
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r#"([\w.-]*"#,
                secret_word!(),
                r#")(\s*:\s+)("[^"\n]*"?|'[^'\n]*'?|[^\s,}\]"'{\[][^\s,}\]"']*)"#
            ))
            .ok()
        }),
        needs: &[": ", ":\t"],
        mask: |found, tell| {
            if is_clearly_secret(&found[1]) {
                tell(unquoted(&found[3]));
                format!("{}{}{MASK}", &found[1], &found[2])
            } else {
                found[0].to_owned()
            }
        },
    },
    // name = value, which may name a variable of the environment instead
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r#"([\w.-]*"#,
                secret_word!(),
                r#")(\s+=\s*|\s*=\s+)("[^"\n]*"?|'[^'\n]*'?|[^\s,}\])"'{\[][^\s,}\])"']*)"#
            ))
            .ok()
        }),
        needs: &[" =", "= "],
        mask: |found, tell| {
            let value = unquoted(&found[3]);
            if is_clearly_secret(&found[1]) && !value.starts_with("env:") {
                tell(value);
                format!("{}{}{MASK}", &found[1], &found[2])
            } else {
                found[0].to_owned()
            }
        },
    },
    // Keys that have a recognisable form, and whatever follows `Bearer`.
    Rule {
        pattern: LazyLock::new(|| {
            Regex::new(concat!(
                r"(^|[^\w])(?:(Bearer\s+)([\w.~+/-]*[\d_.~+/-][\w.~+/-]*=*|[\w.~+/-]{16,}=*)|",
                r"(sk-[\w-]{12,}|(?:hf|ghp|gho|ghs|gsk)_[A-Za-z0-9]{12,}|github_pat_\w{12,}|",
                r"nvapi-[\w-]{12,}|xai-\w{12,}|xox[abps]-[\w-]{10,}|AKIA[0-9A-Z]{12,}|AIza[\w-]{20,}|",
                r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*))"
            ))
            .ok()
        }),
        needs: &[
            "earer", "sk-", "_", "nvapi", "xai-", "xox", "AKIA", "AIza", "eyJ",
        ],
        mask: |found, tell| {
            let of = |group: usize| found.get(group).map_or("", |part| part.as_str());
            for secret in [of(3), of(4)] {
                tell(secret);
            }
            format!("{}{}{MASK}", &found[1], of(2))
        },
    },
];

/// Masks what looks like a credential.
pub(super) fn masked(text: &str, tell: Tell<'_>) -> String {
    let mut text = Cow::Borrowed(text);
    for rule in &RULES {
        if !rule.needs.iter().any(|part| text.contains(part)) {
            continue;
        }
        if let Some(pattern) = &*rule.pattern
            && pattern.is_match(&text)
        {
            let replaced =
                pattern.replace_all(&text, |found: &Captures<'_>| (rule.mask)(found, tell));
            text = Cow::Owned(replaced.into_owned());
        }
    }
    text.into_owned()
}

fn tell_query(url: &str, tell: Tell<'_>) {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    if let Some((user, _)) = authority.rsplit_once('@') {
        tell(user.split_once(':').map_or(user, |(_, password)| password));
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split(['&', '#']) {
        if let Some((name, value)) = pair.split_once('=')
            && is_secret(name)
        {
            tell(value);
            // The server may repeat the decoded value.
            for (_, value) in url::form_urlencoded::parse(pair.as_bytes()) {
                tell(&value);
            }
        }
    }
}

fn tell_header(value: &str, tell: Tell<'_>) {
    let value = value.trim();
    tell(value.split_once(' ').map_or(value, |(_, rest)| rest.trim()));
}

fn unquoted(value: &str) -> &str {
    value.trim_matches(['"', '\''])
}
