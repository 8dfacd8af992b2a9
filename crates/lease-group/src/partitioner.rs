//! Which partition a key belongs to: the server's own arithmetic, so that a stream's `{{partition(n,…)}}` transform and a
//! publisher that computes the partition itself always agree.
//!
//! FNV-1a with 32 bits over the raw bytes of the selected subject tokens, concatenated without a separator, modulo the number
//! of partitions (nats-server `subject_transform.go`, `getHashPartition`). Changing the number of partitions moves keys:
//! no order is kept across such a change.

const OFFSET_BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// FNV-1a, 32 bits, of `bytes`.
#[must_use]
pub const fn hash(bytes: &[u8]) -> u32 {
    extend(OFFSET_BASIS, bytes)
}

/// The partition of `key` among `partitions`; 0 when there are none, as the server answers.
#[must_use]
pub const fn partition(key: &[u8], partitions: u32) -> u32 {
    if partitions == 0 {
        return 0;
    }
    hash(key) % partitions
}

/// The partition of several subject tokens, as `{{partition(n,1,2)}}` computes it: nothing stands between the tokens, so
/// `("ab", "c")` and `("a", "bc")` share a partition.
#[must_use]
pub fn partition_of_tokens<'a>(tokens: impl IntoIterator<Item = &'a [u8]>, partitions: u32) -> u32 {
    if partitions == 0 {
        return 0;
    }
    tokens.into_iter().fold(OFFSET_BASIS, extend) % partitions
}

const fn extend(mut hash: u32, bytes: &[u8]) -> u32 {
    let mut index = 0;
    while index < bytes.len() {
        hash ^= bytes[index] as u32;
        hash = hash.wrapping_mul(PRIME);
        index += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equals_the_server_on_its_own_vectors() {
        // The first eight are in nats-server's subject_transform_test.go, the others were read from a running server.
        type Vector<'a> = (&'a str, u32, &'a [(u32, u32)]);
        let vectors: [Vector<'_>; 11] = [
            ("", 0x811c_9dc5, &[(10, 1)]),
            ("a", 0xe40c_292c, &[(10, 0)]),
            ("foo", 0xa9f3_7ed7, &[(10, 3)]),
            ("baz", 0x6eb7_7082, &[(10, 0)]),
            ("qux", 0xf2e1_5089, &[(10, 9)]),
            ("foo.bar", 0xcb94_2ef4, &[(10, 6)]),
            ("foo.baz", 0xc394_225c, &[(10, 4)]),
            ("test.subject", 0x7381_0f0b, &[(5, 0)]),
            ("user-42", 0x0260_73ab, &[(10, 9), (16, 11), (64, 43)]),
            ("order-000001", 0x57bd_0511, &[(10, 3), (16, 1), (64, 17)]),
            ("日本", 0x9f26_ee51, &[(10, 1), (16, 1), (64, 17)]),
        ];
        for (key, expected, partitions) in vectors {
            assert_eq!(hash(key.as_bytes()), expected, "{key}");
            for &(count, expected) in partitions {
                assert_eq!(partition(key.as_bytes(), count), expected, "{key} % {count}");
            }
        }
    }

    #[test]
    fn no_partitions_is_partition_zero() {
        assert_eq!(partition(b"foo", 0), 0);
        assert_eq!(partition_of_tokens([b"foo".as_slice()], 0), 0);
    }

    proptest! {
        #[test]
        fn tokens_are_concatenated_without_separator(left in ".*", right in ".*", count in 1_u32..1000) {
            let whole = format!("{left}{right}");
            prop_assert_eq!(
                partition_of_tokens([left.as_bytes(), right.as_bytes()], count),
                partition(whole.as_bytes(), count)
            );
            prop_assert!(partition(whole.as_bytes(), count) < count);
        }
    }
}
