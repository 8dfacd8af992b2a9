//! A checksum for what is checked a message: quick for a hundred bytes, and any change of a few of them shows.

/// An odd number without a pattern: multiplying by it loses nothing.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many words go side by side.
pub const LANES: usize = 4;

/// The checksum of `bytes`.
///
/// Each word of eight bytes goes through steps that can be undone, so a change within one word always changes the 64 bits that
/// are folded into 32 at the end: of damaged bytes one in four thousand million passes, wherever they are. Four words go side by
/// side, because each step waits for the one before it; a CRC by table takes three times as long for so few bytes.
#[must_use]
#[inline]
pub fn checksum(bytes: &[u8]) -> u32 {
    over(seeds(bytes.len()), bytes)
}

/// The checksum of the bytes of `first`, little-endian, and `rest` behind them: for who has just put the first ones together, and would
/// have to wait for his own stores when he read them again.
#[must_use]
#[inline]
pub fn checksum_of_words(first: [u64; LANES], rest: &[u8]) -> u32 {
    let mut lanes = seeds(8 * LANES + rest.len());
    for (lane, word) in lanes.iter_mut().zip(first) {
        *lane = step(*lane, word);
    }
    over(lanes, rest)
}

#[inline]
fn seeds(length: usize) -> [u64; LANES] {
    [length as u64, 1, 2, 3].map(|seed: u64| seed.wrapping_mul(MIXER) ^ MIXER)
}

#[inline]
fn over(mut lanes: [u64; LANES], bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<{ 8 * LANES }>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    let [mut state, others @ ..] = lanes;
    let (words, tail) = rest.as_chunks::<8>();
    for word in words {
        state = step(state, u64::from_le_bytes(*word));
    }
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        state = step(state, u64::from_le_bytes(word));
    }
    for other in others {
        state = step(state, other);
    }
    (state ^ state >> 32) as u32
}

#[inline]
fn step(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(MIXER);
    mixed ^ mixed >> 29
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_damage_shows(
            bytes in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, flips in 1..=255_u8,
        ) {
            let mut damaged = bytes.clone();
            damaged[at.index(bytes.len())] ^= flips;
            prop_assert_ne!(checksum(&damaged), checksum(&bytes));
        }

        #[test]
        fn words_in_hand_count_as_their_bytes(first: [u64; LANES], rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes: Vec<u8> = first.iter().flat_map(|word| word.to_le_bytes()).chain(rest.clone()).collect();
            prop_assert_eq!(checksum_of_words(first, &rest), checksum(&bytes));
        }

        #[test]
        fn bytes_that_change_places_show(
            bytes in prop::collection::vec(any::<u8>(), 2..300), a: prop::sample::Index, b: prop::sample::Index,
        ) {
            let mut swapped = bytes.clone();
            swapped.swap(a.index(bytes.len()), b.index(bytes.len()));
            prop_assert_eq!(swapped == bytes, checksum(&swapped) == checksum(&bytes));
        }
    }

    #[test]
    fn zeros_of_different_lengths_differ() {
        let all: std::collections::BTreeSet<u32> = (0..200).map(|length| checksum(&vec![0; length])).collect();
        assert_eq!(all.len(), 200);
    }
}
