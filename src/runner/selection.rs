//! Which benches take part, by libtest's rules.

/// Which benches take part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Names to run: any that contains one of these; all when empty.
    pub(crate) filters: Vec<String>,
    /// Names to leave out.
    pub(crate) skip: Vec<String>,
    /// Filters are whole names.
    pub(crate) exact: bool,
    /// Which benches marked as ignored take part.
    pub(crate) ignored: Ignored,
}

/// Which benches marked as ignored take part.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// None of them.
    #[default]
    Left,
    /// Only them.
    Only,
    /// All benches.
    Included,
}

impl Selection {
    /// Whether a bench of this name takes part.
    pub(crate) fn selects(&self, name: &str, is_ignored: bool) -> bool {
        let matches = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        let wanted = self.filters.is_empty() || self.filters.iter().any(matches);
        let marked = match self.ignored {
            Ignored::Only => is_ignored,
            // Listed, and shown as ignored when run.
            Ignored::Left | Ignored::Included => true,
        };
        wanted && marked && !self.skip.iter().any(matches)
    }
}
