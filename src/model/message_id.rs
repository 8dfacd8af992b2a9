//! The id of a message as text: what a program that knows nothing of jetlag echoes.
//!
//! ```text
//! 0000002a 00000007 5be1c0d3
//! key      key_seq  check over both and the run tag          (24 hexadecimal digits, no spaces)
//! ```
//!
//! A payload starts with it. The check tells an id of this run from one of another run, from one that was cut and from one
//! that was made up; it is no secret.

use super::checksum::checksum;

/// Length of an id.
pub const LENGTH: usize = 24;

/// What an id names: a message of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// Key, 0 … keys − 1.
    pub key: u32,
    /// 1, 2, 3 … without holes per key.
    pub key_seq: u32,
}

/// Why a text is not the id of a message of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not of the form of an id.
    #[error("an id is the first {LENGTH} bytes of the payload, hexadecimal digits in lower case")]
    Form,
    /// Of the right form, but its check is wrong.
    #[error("no message of this run has this id")]
    Foreign,
}

impl MessageId {
    /// Its text, for the run `run_tag`.
    #[inline]
    #[must_use]
    pub fn text(self, run_tag: u64) -> [u8; LENGTH] {
        let mut text = [0; LENGTH];
        for (part, number) in [self.key, self.key_seq, self.check(run_tag)].into_iter().enumerate() {
            text[part * 8..part * 8 + 8].copy_from_slice(&digits(number));
        }
        text
    }

    /// Reads an id of the run `run_tag`.
    ///
    /// # Errors
    /// When it is none.
    #[inline]
    pub fn parse(text: &[u8], run_tag: u64) -> Result<Self, IdError> {
        let text: &[u8; LENGTH] = text.try_into().map_err(|_| IdError::Form)?;
        let part = |index: usize| {
            let digits = text[index * 8..].first_chunk().ok_or(IdError::Form)?;
            number(digits).ok_or(IdError::Form)
        };
        let id = Self { key: part(0)?, key_seq: part(1)? };
        if part(2)? == id.check(run_tag) { Ok(id) } else { Err(IdError::Foreign) }
    }

    fn check(self, run_tag: u64) -> u32 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&run_tag.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.key.to_le_bytes());
        bytes[12..].copy_from_slice(&self.key_seq.to_le_bytes());
        checksum(&bytes)
    }
}

/// All eight digits at once: the bits of each go to a byte of their own, the highest first.
#[inline]
fn digits(number: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let halves = u64::from(number) << 16 & 0xffff_0000_0000 | u64::from(number) & 0xffff;
    let pairs = (halves << 8 | halves) & 0x00ff_00ff_00ff_00ff;
    let values = (pairs << 4 | pairs) & (0x0f * ONES);
    // Only from ten on does six more reach the next digit.
    let letters = (values + 6 * ONES) >> 4 & ONES;
    (values + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'9' - 1)).to_be_bytes()
}

/// The value of each hexadecimal digit in lower case; what is none has a bit above.
const VALUES: [u8; 256] = {
    let mut values = [0x80; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

#[inline]
fn number(digits: &[u8; 8]) -> Option<u32> {
    let mut seen = 0;
    let number = digits.iter().fold(0_u32, |number, digit| {
        let value = VALUES[usize::from(*digit)];
        seen |= value;
        number << 4 | u32::from(value & 0xf)
    });
    (seen < 16).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(key: u32, key_seq: u32, run_tag: u64) {
            let id = MessageId { key, key_seq };
            prop_assert_eq!(MessageId::parse(&id.text(run_tag), run_tag), Ok(id));
        }

        #[test]
        fn any_single_bit_flip_and_any_other_length_is_noticed(
            key: u32, key_seq: u32, run_tag: u64, at in 0..LENGTH, bit in 0..8, keep in 0..LENGTH,
        ) {
            let mut text = MessageId { key, key_seq }.text(run_tag);
            prop_assert_eq!(MessageId::parse(&text[..keep], run_tag), Err(IdError::Form));
            text[at] ^= 1_u8 << bit;
            prop_assert!(MessageId::parse(&text, run_tag).is_err());
        }

        #[test]
        fn an_id_of_another_run_is_foreign(key: u32, key_seq: u32, run_tag: u64, bit in 0..64) {
            let text = MessageId { key, key_seq }.text(run_tag);
            prop_assert_eq!(MessageId::parse(&text, run_tag ^ 1_u64 << bit), Err(IdError::Foreign));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), run_tag: u64) {
            let _ = MessageId::parse(&bytes, run_tag);
        }
    }

    #[test]
    fn the_text_is_what_the_table_says() {
        let text = MessageId { key: 42, key_seq: 7 }.text(0);
        assert_eq!(&text[..16], b"0000002a00000007");
    }
}
