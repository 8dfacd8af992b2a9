//! The check of records: sixteen bits that tell a record from anything else, in a few nanoseconds.

/// One factor a word.
const FACTORS: [u64; 8] = [
    0xf2a7_4de4_52e6_b439,
    0x6513_270e_269e_0d37,
    0x0c5c_7fd0_a6a3_a451,
    0xd23f_0824_128b_2f33,
    0x1818_e811_892f_902b,
    0x9531_985d_5d9d_c9f9,
    0xe8e2_5d94_0ed9_0475,
    0x36f6_75cc_81e7_4ef5,
];
const SALT_FACTOR: u64 = 0x1600_a35a_0999_50d9;

/// The upper sixteen bits of a sum of products: a few nanoseconds, while a CRC of 56 bytes costs more than all else.
///
/// A change within one byte is always noticed: it moves the sum by a small multiple of a shifted factor, and the
/// factors are chosen so that the upper bits of that are never all zeros nor all ones (a test holds it). Any other
/// change passes with 1 : 65 536. `salt` is where the record belongs: one of another run or place does not fit.
#[inline]
pub(super) fn sum(words: &[u64], salt: u64) -> u64 {
    let salted = salt.wrapping_mul(SALT_FACTOR);
    let total =
        words.iter().zip(FACTORS).fold(salted, |sum, (word, factor)| sum.wrapping_add(word.wrapping_mul(factor)));
    total >> 48
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_within_a_byte_leaves_the_sum() {
        for factor in FACTORS {
            for (change, shift) in (1..=255u64).flat_map(|change| (0..64).step_by(8).map(move |shift| (change, shift)))
            {
                let moved = change.wrapping_mul(factor) << shift;
                for moved in [moved, moved.wrapping_neg()] {
                    assert!(![0, 0xffff].contains(&(moved >> 48)), "{factor:#x}, {change:#x} << {shift}");
                }
            }
        }
    }
}
