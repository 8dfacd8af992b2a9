//! Sorting by instant, without comparisons: what an analysis sorts are millions of instants of one run, which differ in few bits.

use crate::model::time::MonoNs;

/// Below this a sort by comparison is as good.
const SMALL: usize = 1_024;
/// Bits that one pass sorts by: its table fits into the nearest cache.
const BITS: u32 = 11;
/// More passes than this are slower than comparing: instants that lie years apart are torn.
const MOST_PASSES: u32 = 5;

/// Sorts items by an instant that each has. Those of one instant keep their order.
pub(crate) fn sort<T: Copy>(items: &mut Vec<T>, at: impl Fn(&T) -> MonoNs) {
    if items.is_sorted_by_key(&at) {
        return;
    }
    let (least, greatest) =
        items.iter().map(&at).fold((u64::MAX, 0), |(least, greatest), at| (at.0.min(least), at.0.max(greatest)));
    let passes = (u64::BITS - (greatest - least).leading_zeros()).div_ceil(BITS);
    if items.len() < SMALL || passes > MOST_PASSES {
        items.sort_by_key(at);
        return;
    }
    let mut other = items.clone();
    for pass in 0..passes {
        let digit = |item: &T| ((at(item).0 - least) >> (pass * BITS)) as usize & ((1 << BITS) - 1);
        let mut next = [0_usize; 1 << BITS];
        for item in items.iter() {
            next[digit(item)] += 1;
        }
        let mut before = 0;
        for slot in &mut next {
            before += std::mem::replace(slot, before);
        }
        for item in items.iter() {
            let slot = &mut next[digit(item)];
            other[*slot] = *item;
            *slot += 1;
        }
        std::mem::swap(items, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_stable_sort(base in 0..u64::MAX / 2, span in 1..u64::MAX / 2, seed: u64, length in 0..3 * SMALL) {
            let mut random = seed;
            let mut draw = |within: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 11) % within
            };
            for span in [span, 1 + span % 1_000, 1 + span % 100_000_000_000] {
                let mut items: Vec<(MonoNs, usize)> =
                    (0..length).map(|number| (MonoNs(base + draw(span)), number)).collect();
                let mut expected = items.clone();
                expected.sort();
                sort(&mut items, |item| item.0);
                prop_assert!(items == expected);
            }
        }
    }
}
