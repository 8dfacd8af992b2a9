//! Grouping by a small number: the one sort that every pass of the ledger needs.

/// Where the next item of each group belongs.
///
/// Keys and partitions are dense, so this is a counting sort: no comparison, and each item is written once, where it belongs.
pub(super) struct Slots(Vec<usize>);

impl Slots {
    /// For items of these groups; `None` for evidence that names an absurd one (a torn record), which must not make the table
    /// outgrow the evidence.
    pub(super) fn of(groups: impl Iterator<Item = u32> + Clone) -> Option<Self> {
        let (count, greatest) =
            groups.clone().fold((0_usize, 0), |(count, greatest), group| (count + 1, group.max(greatest)));
        let bound = greatest as usize + 1;
        if bound > count.saturating_mul(4) + 65_536 {
            return None;
        }
        let mut next = vec![0_usize; bound + 1];
        groups.for_each(|group| next[group as usize + 1] += 1);
        for index in 1..next.len() {
            next[index] += next[index - 1];
        }
        Some(Self(next))
    }

    /// The slot of the next item of a group.
    pub(super) fn take(&mut self, group: u32) -> usize {
        let slot = &mut self.0[group as usize];
        *slot += 1;
        *slot - 1
    }
}

/// Makes one item of each source and brings items of one group together: groups rising, the order within a group kept. The
/// second argument of `make` is the number of the source. Where a group is absurd it falls back to a stable sort.
pub(super) fn gather<S, T: Copy>(
    sources: impl Iterator<Item = S> + Clone,
    group_of: impl Fn(&S) -> u32,
    make: impl Fn(S, u32) -> T,
) -> Vec<T> {
    let mut number = 0;
    let mut next_number = || {
        number += 1;
        number - 1
    };
    let Some(mut slots) = Slots::of(sources.clone().map(|source| group_of(&source))) else {
        let mut items: Vec<(u32, T)> = Vec::new();
        sources.for_each(|source| items.push((group_of(&source), make(source, next_number()))));
        items.sort_by_key(|item| item.0);
        return items.into_iter().map(|item| item.1).collect();
    };
    let mut items = Vec::new();
    let count = slots.0.last().copied().unwrap_or_default();
    sources.for_each(|source| {
        let slot = slots.take(group_of(&source));
        let item = make(source, next_number());
        if items.is_empty() {
            items = vec![item; count];
        }
        items[slot] = item;
    });
    items
}

/// Brings items of one group together.
pub(super) fn group<T: Copy>(items: &[T], group_of: impl Fn(&T) -> u32) -> Vec<T> {
    gather(items.iter(), |item| group_of(item), |item, _| *item)
}

/// The groups of what [`gather`] returned, as slices.
pub(super) fn slices<T>(items: &[T], group_of: impl Fn(&T) -> u32) -> impl Iterator<Item = &[T]> {
    items.chunk_by(move |left, right| group_of(left) == group_of(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_rise_and_keep_their_inner_order() {
        for huge in [7, u32::MAX] {
            let items = [(3, 'a'), (huge, 'b'), (0, 'c'), (3, 'd'), (0, 'e')];
            let sorted = group(&items, |item| item.0);
            assert_eq!(sorted, [(0, 'c'), (0, 'e'), (3, 'a'), (3, 'd'), (huge, 'b')]);
            assert_eq!(slices(&sorted, |item| item.0).map(<[_]>::len).collect::<Vec<_>>(), [2, 2, 1]);
            let numbered = gather(items.iter(), |item| item.0, |item, number| (item.1, number));
            assert_eq!(numbered, [('c', 2), ('e', 4), ('a', 0), ('d', 3), ('b', 1)]);
        }
        assert!(group(&[], |item: &u32| *item).is_empty());
    }
}
