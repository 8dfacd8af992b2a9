//! The payload of a message: its id as text, a fixed header, then padding. Decoded without allocation.
//!
//! ```text
//!  0  id (key, key_seq, check)          [u8; 24]
//! 24  checksum of all behind it          u32      40  intended    u64
//! 28  magic "jlg"                        [u8; 3]  48  publisher   u16
//! 31  version                            u8       50  partition   u16
//! 32  run tag                            u64      52  bytes       u32
//! 56  amount (workload `ledger`)        i32
//!     padding, up to `bytes`
//! ```
//!
//! All numbers are little-endian. The id comes first, so that a program in any language can echo it without knowing the
//! rest; it carries a check of its own. The checksum covers everything else, the padding too: a server or a relay that
//! damages any byte is noticed. The padding is noise, because a run of zeros would make a compressing store look better
//! than it is.

use std::ops::Range;

use bytes::BufMut;

use super::bank;
use super::checksum::{LANES, checksum, checksum_of_words};
use super::message_id::{self, IdError, MessageId};
use super::time::MonoNs;

/// Length of the header, and so of the shortest payload.
pub const MIN_SIZE: usize = 56;

/// Version of the layout.
pub const VERSION: u8 = 3;

const MAGIC: [u8; 3] = *b"jlg";
/// Where the amount lies: right behind the header.
const AMOUNT: Range<usize> = MIN_SIZE..MIN_SIZE + 4;
const ID_END: usize = message_id::LENGTH;
/// Where that begins over which the checksum goes.
const SUMMED: usize = ID_END + 4;

/// What the header of a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The run that the message belongs to.
    pub run_tag: u64,
    /// When the schedule wanted it sent.
    pub intended: MonoNs,
    /// Key, 0 … keys − 1.
    pub key: u32,
    /// 1, 2, 3 … without holes per key.
    pub key_seq: u32,
    /// Index of the publisher.
    pub publisher: u16,
    /// The partition the key hashes to.
    pub partition: u16,
}

/// Why bytes are not a payload of jetlag's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Shorter than a header.
    #[error("payload of {len} bytes is shorter than jetlag's header of {MIN_SIZE}")]
    TooShort {
        /// Its length.
        len: usize,
    },
    /// The magic bytes are missing.
    #[error("payload is not jetlag's")]
    Foreign,
    /// Written by another version of jetlag.
    #[error("payload has layout version {found}, this jetlag reads {VERSION}: use the same jetlag for both ends")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The id is damaged, or of another run than the header.
    #[error("payload's id does not fit its header: {0}")]
    Id(#[from] IdError),
    /// Longer or shorter than the header says.
    #[error("payload has {actual} bytes and its header says {expected}")]
    Length {
        /// What the header says.
        expected: u32,
        /// What it is.
        actual: usize,
    },
    /// Some byte was changed on the way.
    #[error("payload's checksum is {found:#010x} and its bytes give {actual:#010x}")]
    Checksum {
        /// What the header says.
        found: u32,
        /// What the bytes give.
        actual: u32,
    },
}

/// The bytes that all messages of one publisher share; made once, copied for each message.
#[derive(Clone, Debug)]
pub struct Template {
    run_tag: u64,
    bytes: Vec<u8>,
    /// The first words behind the checksum, without what differs from message to message.
    shared: [u64; LANES],
    /// Seed of the amounts, where the messages carry any.
    amounts: Option<u64>,
}

impl Template {
    /// A template for payloads of `size` bytes; a size below [`MIN_SIZE`] is raised to it, one above 4 GiB lowered.
    #[must_use]
    pub fn new(run_tag: u64, publisher: u16, size: usize) -> Self {
        let length = u32::try_from(size.max(MIN_SIZE)).unwrap_or(u32::MAX);
        let mut bytes = vec![0; length as usize];
        fill_with_noise(&mut bytes[MIN_SIZE..], run_tag ^ u64::from(publisher));
        bytes[28..31].copy_from_slice(&MAGIC);
        bytes[31] = VERSION;
        bytes[32..40].copy_from_slice(&run_tag.to_le_bytes());
        bytes[48..50].copy_from_slice(&publisher.to_le_bytes());
        bytes[52..56].copy_from_slice(&length.to_le_bytes());
        let words = bytes[SUMMED..].as_chunks::<8>().0;
        let shared = std::array::from_fn(|at| words.get(at).map_or(0, |word| u64::from_le_bytes(*word)));
        Self { run_tag, bytes, shared, amounts: None }
    }

    /// Payloads that carry the amount of their message, drawn from `seed`. One without room for it carries none.
    #[must_use]
    pub fn with_amounts(self, seed: u64) -> Self {
        Self { amounts: Some(seed), ..self }
    }

    /// Size of every payload made from it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Appends one payload to `out`. Allocates only when `out` has no room.
    pub fn append<B>(&self, key: u32, key_seq: u32, partition: u16, intended: MonoNs, out: &mut B)
    where
        B: BufMut + AsMut<[u8]>,
    {
        let start = out.as_mut().len();
        out.put_slice(&self.bytes);
        self.fill(key, key_seq, partition, intended, &mut out.as_mut()[start..]);
    }

    /// Makes a payload of the bytes that all share.
    #[inline]
    fn fill(&self, key: u32, key_seq: u32, partition: u16, intended: MonoNs, payload: &mut [u8]) {
        payload[..ID_END].copy_from_slice(&MessageId { key, key_seq }.text(self.run_tag));
        let sum =
            match (payload[SUMMED..].split_first_chunk_mut::<{ 8 * LANES }>(), self.bytes.get(SUMMED + 8 * LANES..)) {
                (Some((first, _)), Some(rest)) => {
                    let words = self.words(key, key_seq, partition, intended);
                    for (place, word) in first.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                        *place = word.to_le_bytes();
                    }
                    checksum_of_words(words, rest)
                }
                // No room for an amount, and for the fourth word.
                _ => {
                    payload[40..48].copy_from_slice(&intended.0.to_le_bytes());
                    payload[50..52].copy_from_slice(&partition.to_le_bytes());
                    checksum(&payload[SUMMED..])
                }
            };
        payload[ID_END..SUMMED].copy_from_slice(&sum.to_le_bytes());
    }

    /// What lies behind the checksum, as words: only there do payloads of one publisher differ.
    #[inline]
    fn words(&self, key: u32, key_seq: u32, partition: u16, intended: MonoNs) -> [u64; LANES] {
        let [first, second, third, fourth] = self.shared;
        let fourth = match self.amounts {
            Some(seed) => {
                let amount = bank::amount(seed, key, key_seq).cast_unsigned();
                fourth & u64::from(u32::MAX) | u64::from(amount) << 32
            }
            None => fourth,
        };
        [first, second | intended.0 << 32, third | intended.0 >> 32 | u64::from(partition) << 48, fourth]
    }
}

/// Reads the header of `payload` and checks every byte of it.
///
/// The run tag is given back, not judged: only the caller knows which run it belongs to.
///
/// # Errors
///
/// When the bytes are not an undamaged payload of jetlag's.
pub fn decode(payload: &[u8]) -> Result<Header, PayloadError> {
    let Some(header) = payload.first_chunk::<MIN_SIZE>() else {
        return Err(PayloadError::TooShort { len: payload.len() });
    };
    if header[28..31] != MAGIC {
        return Err(PayloadError::Foreign);
    }
    if header[31] != VERSION {
        return Err(PayloadError::Version { found: header[31] });
    }
    let expected = u32_at(header, 52);
    if expected as usize != payload.len() {
        return Err(PayloadError::Length { expected, actual: payload.len() });
    }
    let (found, actual) = (u32_at(header, 24), checksum(&payload[28..]));
    if found != actual {
        return Err(PayloadError::Checksum { found, actual });
    }
    let run_tag = u64_at(header, 32);
    let MessageId { key, key_seq } = MessageId::parse(&header[..ID_END], run_tag)?;
    Ok(Header {
        run_tag,
        intended: MonoNs(u64_at(header, 40)),
        key,
        key_seq,
        publisher: u16_at(header, 48),
        partition: u16_at(header, 50),
    })
}

/// The amount that an undamaged payload of the workload `ledger` carries; `None` when it is too short.
#[must_use]
pub fn amount(payload: &[u8]) -> Option<i32> {
    Some(i32::from_le_bytes(payload.get(AMOUNT)?.try_into().ok()?))
}

fn u16_at(header: &[u8; MIN_SIZE], at: usize) -> u16 {
    u16::from_le_bytes([header[at], header[at + 1]])
}

fn u32_at(header: &[u8; MIN_SIZE], at: usize) -> u32 {
    u32::from(u16_at(header, at)) | u32::from(u16_at(header, at + 2)) << 16
}

fn u64_at(header: &[u8; MIN_SIZE], at: usize) -> u64 {
    u64::from(u32_at(header, at)) | u64::from(u32_at(header, at + 4)) << 32
}

/// xorshift64: repeatable, and good enough to be incompressible.
fn fill_with_noise(bytes: &mut [u8], seed: u64) {
    let mut state = seed | 1;
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn payload(header: Header, size: usize) -> BytesMut {
        let mut out = BytesMut::new();
        Template::new(header.run_tag, header.publisher, size).append(
            header.key,
            header.key_seq,
            header.partition,
            header.intended,
            &mut out,
        );
        out
    }

    prop_compose! {
        fn headers()(
            run_tag: u64, intended: u64, key: u32, key_seq: u32, publisher: u16, partition: u16,
        ) -> Header {
            Header { run_tag, intended: MonoNs(intended), key, key_seq, publisher, partition }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(header in headers(), size in 0usize..2000) {
            let bytes = payload(header, size);
            prop_assert_eq!(bytes.len(), size.max(MIN_SIZE));
            prop_assert_eq!(decode(&bytes), Ok(header));
        }

        #[test]
        fn any_single_bit_flip_is_noticed(header in headers(), size in 0usize..300, bit: prop::sample::Index) {
            let mut bytes = payload(header, size);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn any_cut_is_noticed(header in headers(), size in 0usize..300, keep: prop::sample::Index) {
            let bytes = payload(header, size);
            prop_assert!(decode(&bytes[..keep.index(bytes.len())]).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn the_amount_is_behind_the_header_and_under_the_checksum() {
        let mut out = BytesMut::new();
        Template::new(7, 3, 64).with_amounts(11).append(5, 6, 4, MonoNs(9), &mut out);
        assert_eq!(amount(&out), Some(bank::amount(11, 5, 6)));
        assert_eq!(decode(&out).map(|header| (header.key, header.key_seq)), Ok((5, 6)));
        out[MIN_SIZE] ^= 1;
        assert!(matches!(decode(&out), Err(PayloadError::Checksum { .. })));
        assert_eq!(amount(&out[..MIN_SIZE + 3]), None);
    }

    #[test]
    fn another_layout_is_refused_by_its_version() {
        let header = Header { run_tag: 7, intended: MonoNs(9), key: 1, key_seq: 2, publisher: 3, partition: 4 };
        for found in [1, VERSION + 1] {
            let mut bytes = payload(header, 64);
            bytes[31] = found;
            assert_eq!(decode(&bytes), Err(PayloadError::Version { found }));
        }
    }

    #[test]
    fn the_layout_is_what_the_table_says() {
        let header = Header {
            run_tag: 0x0807_0605_0403_0201,
            intended: MonoNs(0x1817_1615_1413_1211),
            key: 0x2122_2324,
            key_seq: 0x2526_2728,
            publisher: 0x3231,
            partition: 0x3433,
        };
        let bytes = payload(header, MIN_SIZE);
        assert_eq!(bytes[..16], *b"2122232425262728");
        let expected: Vec<u8> = [
            &b"jlg\x03"[..],
            &[1, 2, 3, 4, 5, 6, 7, 8],
            &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18],
            &[0x31, 0x32, 0x33, 0x34, 56, 0, 0, 0],
        ]
        .concat();
        assert_eq!(bytes[28..], expected);
    }
}
