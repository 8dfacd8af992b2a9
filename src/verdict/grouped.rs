//! Grouping by a small number: the one sort that every pass of the ledger needs.

/// Brings items of one group together, groups rising, the order within a group kept.
///
/// Keys and partitions are dense, so this is a counting sort: two passes, no comparison. Evidence that names an absurd
/// group (a torn record) must not make the table outgrow the evidence, so it falls back to a stable sort.
pub(super) fn group<T: Copy>(items: Vec<T>, group_of: impl Fn(&T) -> u32) -> Vec<T> {
    let Some(greatest) = items.iter().map(&group_of).max() else {
        return items;
    };
    let bound = greatest as usize + 1;
    if bound > items.len().saturating_mul(4) + 65_536 {
        let mut items = items;
        items.sort_by_key(group_of);
        return items;
    }
    let mut next = vec![0_usize; bound + 1];
    for item in &items {
        next[group_of(item) as usize + 1] += 1;
    }
    for index in 1..next.len() {
        next[index] += next[index - 1];
    }
    let mut sorted = items.clone();
    for item in &items {
        let slot = &mut next[group_of(item) as usize];
        sorted[*slot] = *item;
        *slot += 1;
    }
    sorted
}

/// The groups of what [`group`] returned, as slices.
pub(super) fn slices<T>(items: &[T], group_of: impl Fn(&T) -> u32) -> impl Iterator<Item = &[T]> {
    items.chunk_by(move |left, right| group_of(left) == group_of(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_rise_and_keep_their_inner_order() {
        for huge in [7, u32::MAX] {
            let items = vec![(3, 'a'), (huge, 'b'), (0, 'c'), (3, 'd'), (0, 'e')];
            let sorted = group(items, |item| item.0);
            assert_eq!(sorted, [(0, 'c'), (0, 'e'), (3, 'a'), (3, 'd'), (huge, 'b')]);
            assert_eq!(slices(&sorted, |item| item.0).map(<[_]>::len).collect::<Vec<_>>(), [2, 2, 1]);
        }
        assert!(group(Vec::<u32>::new(), |item| *item).is_empty());
    }
}
