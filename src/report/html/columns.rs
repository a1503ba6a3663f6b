//! Tables of what several lines draw over one axis: a row for each place, a column for each line.

use crate::page::{Cell, Table};

/// The heading of a column, and its values by their place. Places that another column has are empty.
pub(super) type Column = (String, Vec<(f64, Cell)>);

pub(super) fn table(caption: &str, places: &str, columns: &[Column]) -> Table {
    let mut rows: Vec<f64> = columns
        .iter()
        .flat_map(|(_, values)| values)
        .map(|(place, _)| *place)
        .collect();
    rows.sort_by(f64::total_cmp);
    rows.dedup();
    let row = |place: f64| {
        let of = |(_, values): &Column| {
            let found = values.binary_search_by(|(other, _)| other.total_cmp(&place));
            found.map_or(Cell::Empty, |at| values[at].1.clone())
        };
        let values = columns.iter().map(of);
        let place = Cell::Number(place, place.to_string());
        [place].into_iter().chain(values).collect()
    };
    let names = columns.iter().map(|(name, _)| name.clone());
    Table {
        caption: caption.to_owned(),
        head: [places.to_owned()].into_iter().chain(names).collect(),
        rows: rows.into_iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::words::whole;

    #[test]
    fn places_are_joined_in_their_order() {
        let columns = [
            ("a".to_owned(), vec![(0.0, whole(1)), (2.0, whole(2))]),
            ("b".to_owned(), vec![(0.0, whole(3)), (1.0, whole(4))]),
        ];
        let table = table("c", "s", &columns);
        assert_eq!(table.head, ["s", "a", "b"]);
        let values: Vec<_> = table.rows.iter().map(|row| (&row[1], &row[2])).collect();
        let [one, two, three, four] = [1, 2, 3, 4].map(whole);
        assert_eq!(
            values,
            [(&one, &three), (&Cell::Empty, &four), (&two, &Cell::Empty)]
        );
    }
}
