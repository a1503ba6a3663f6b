//! The values of a run, as intervals need them.

/// Values of a run, each with the request that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The values of each request, in plan order; requests without one are empty.
    pub of_requests: &'a Groups,
    /// All values in rising order.
    pub sorted: &'a [f64],
}

/// Numbers in groups, such as the values of each request. A list for each group would take more memory than its numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    numbers: Vec<f64>,
    /// Where each group ends in it.
    ends: Vec<usize>,
}

impl Groups {
    /// Groups of one number.
    pub fn of_one(numbers: Vec<f64>) -> Self {
        Groups {
            ends: (1..=numbers.len()).collect(),
            numbers,
        }
    }

    /// Number of groups.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The groups in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        let mut from = 0;
        self.ends
            .iter()
            .map(move |to| &self.numbers[std::mem::replace(&mut from, *to)..*to])
    }

    /// The numbers of all groups.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// The numbers of all groups in rising order.
    pub fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.numbers.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

impl<G: IntoIterator<Item = f64>> FromIterator<G> for Groups {
    fn from_iter<I: IntoIterator<Item = G>>(groups: I) -> Self {
        let mut all = Groups::default();
        for group in groups {
            all.numbers.extend(group);
            all.ends.push(all.numbers.len());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn groups_are_the_lists_that_they_are_made_from(
            lists in prop::collection::vec(prop::collection::vec(-9.0..9.0, 0..4), 0..9),
        ) {
            let groups: Groups = lists.iter().cloned().collect();
            prop_assert_eq!(groups.count(), lists.len());
            prop_assert!(groups.iter().eq(lists.iter().map(Vec::as_slice)));
            prop_assert_eq!(groups.numbers(), lists.concat());
        }

        #[test]
        fn groups_of_one(numbers in prop::collection::vec(-9.0..9.0, 0..9)) {
            let lists: Groups = numbers.iter().map(|number| [*number]).collect();
            prop_assert_eq!(Groups::of_one(numbers), lists);
        }
    }
}
