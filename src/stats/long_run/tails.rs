//! How large single values of a series may be.

/// How much larger than the others single values of a series may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tails {
    /// Not much larger.
    Light,
    /// Larger by any factor.
    Heavy,
}
