//! The settings of a dataset, declared once: their types, defaults, readers and words.

use crate::{Mistake, call};
use std::{fmt, path::PathBuf};

/// How a setting is written behind its name, so that its reader reads it back.
pub(super) trait Write {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// The whole number that it is.
    fn whole(&self) -> Option<u64> {
        None
    }
}

impl Write for usize {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {self}")
    }

    fn whole(&self) -> Option<u64> {
        u64::try_from(*self).ok()
    }
}

impl Write for f64 {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {self}")
    }
}

impl Write for bool {
    /// A word alone switches on.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self { "" } else { " = false" })
    }
}

impl Write for String {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {}", call::quote(self))
    }
}

impl Write for PathBuf {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_string_lossy().into_owned().write(f)
    }
}

impl<T: Write> Write for Option<T> {
    /// Where nothing is the default it is never written; elsewhere it stands for the row's own.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(value) => value.write(f),
            None => f.write_str(" = row"),
        }
    }

    fn whole(&self) -> Option<u64> {
        self.as_ref()?.whole()
    }
}

/// The path that stands first, and the settings behind it.
pub(super) fn path_first<'a, 'b>(
    name: &str,
    example: &str,
    keys: &[&str],
    args: &'a [call::Arg<'b>],
    mistakes: &mut crate::Mistakes,
) -> (PathBuf, &'a [call::Arg<'b>]) {
    match args {
        [path, settings @ ..] if path.value.is_none() && !keys.contains(&path.word) => {
            (PathBuf::from(call::unquote(path.word)), settings)
        }
        settings => {
            mistakes.push(Mistake::new(format!(
                "`{name}` needs the path of its data first, as in `{name}(\"{example}\")`"
            )));
            (PathBuf::new(), settings)
        }
    }
}

/// Declares a dataset: a struct of settings, its defaults, [`fmt::Display`] and a reader `read`.
///
/// A field has a default, a reader of its argument, and `shown` if it is written even when it has
/// its default. `path` makes a field of the argument that stands first, with an example and what
/// it is. `both` gives two fields one more name together.
macro_rules! settings {
    (
        $(#[$about:meta])*
        $name:literal => $Type:ident
            $(, path $example:literal $path_doc:literal)?
            $(, both $both:ident: $one:ident, $other:ident, $both_read:path)?
        {
            $($(#[$doc:meta])* $field:ident: $value:ty = $default:expr, $read:expr $(, $shown:ident)?;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Type {
            $(#[doc = $path_doc] pub path: std::path::PathBuf,)?
            $($(#[$doc])* pub $field: $value,)*
        }

        impl Default for $Type {
            fn default() -> Self {
                $Type {
                    $(path: { let _: &str = $example; std::path::PathBuf::new() },)?
                    $($field: $default,)*
                }
            }
        }

        impl $Type {
            const NAME: &str = $name;
            const KEYS: &[&str] = &[$(stringify!($both),)? $(stringify!($field),)*];

            /// The whole numbers among the settings.
            #[allow(unused, reason = "a dataset may have no settings")]
            pub(super) fn wholes(&self) -> Vec<(&'static str, u64)> {
                use super::settings::Write as _;
                let all = [$((stringify!($field), self.$field.whole()),)*];
                all.into_iter()
                    .filter_map(|(name, whole): (&str, Option<u64>)| Some((name, whole?)))
                    .collect()
            }

            pub(super) fn path_mut(&mut self) -> Option<&mut std::path::PathBuf> {
                let paths: Vec<&mut std::path::PathBuf> = vec![$({ let _: &str = $example; &mut self.path })?];
                paths.into_iter().next()
            }

            pub(super) fn read(
                args: &[crate::call::Arg<'_>],
                mistakes: &mut crate::Mistakes,
            ) -> Self {
                #[allow(unused_mut, reason = "a dataset may have no settings")]
                let mut settings = Self::default();
                $(
                    let (path, args) =
                        super::settings::path_first($name, $example, Self::KEYS, args, mistakes);
                    settings.path = path;
                )?
                let what = format!("setting of `{}`", Self::NAME);
                crate::call::check_keys(args, &what, Self::KEYS, mistakes);
                for arg in args {
                    match arg.word {
                        $(stringify!($both) => match $both_read(arg) {
                            Ok(value) => {
                                settings.$one = value;
                                settings.$other = value;
                            }
                            Err(mistake) => mistakes.push(mistake),
                        },)?
                        $(stringify!($field) => {
                            crate::call::set(&mut settings.$field, $read(arg), mistakes)
                        })*
                        _ => {}
                    }
                }
                $(
                    let given = |key| args.iter().any(|arg| arg.word == key);
                    for one in [stringify!($one), stringify!($other)] {
                        if given(stringify!($both)) && given(one) {
                            mistakes.push(crate::Mistake::new(format!(
                                "`{}` already sets `{one}`; keep one of them",
                                stringify!($both)
                            )));
                        }
                    }
                )?
                settings
            }
        }

        impl std::fmt::Display for $Type {
            #[allow(unused, reason = "a dataset may have no settings")]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use super::settings::Write as _;
                let default = Self::default();
                write!(f, "{}(", Self::NAME)?;
                let mut comma = "";
                $(
                    let _: &str = $example;
                    f.write_str(&crate::call::quote(&self.path.to_string_lossy()))?;
                    comma = ", ";
                )?
                // Two fields that are written as one, in the place of the first.
                let mut together: Option<[&str; 3]> = None;
                $(
                    if self.$one == self.$other && self.$one != default.$one {
                        together = Some([stringify!($both), stringify!($one), stringify!($other)]);
                    }
                )?
                $(
                    let shown = false $(|| stringify!($shown) == "shown")?;
                    let key = match (stringify!($field), together) {
                        (key, Some([both, one, _])) if key == one => Some(both),
                        (key, Some([.., other])) if key == other => None,
                        (key, _) => (shown || self.$field != default.$field).then_some(key),
                    };
                    if let Some(key) = key {
                        write!(f, "{comma}{key}")?;
                        self.$field.write(f)?;
                        comma = ", ";
                    }
                )*
                f.write_str(")")
            }
        }
    };
}

pub(super) use settings;
