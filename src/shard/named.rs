//! Names of shards in messages.

/// Numbers in a message at most.
const MOST: usize = 12;

/// `shard 1`, `shards 1, 2 and 3`; of many the first ones and how many more there are.
pub(crate) fn named(numbers: &[usize]) -> String {
    let mut names: Vec<String> = numbers.iter().take(MOST).map(usize::to_string).collect();
    if let Some(more @ 1..) = numbers.len().checked_sub(MOST) {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("shards {} and {last}", rest.join(", "))
        }
        _ => format!("shard {}", names.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one(&[3], "shard 3")]
    #[case::two(&[1, 3], "shards 1 and 3")]
    #[case::three(&[1, 2, 3], "shards 1, 2 and 3")]
    fn names(#[case] numbers: &[usize], #[case] text: &str) {
        assert_eq!(named(numbers), text);
    }

    #[test]
    fn of_many_the_first_are_named() {
        let numbers: Vec<usize> = (0..100).collect();
        assert_eq!(
            named(&numbers),
            "shards 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 88 more"
        );
    }
}
