//! A stretch of memory as atomic words: the only place of jetlag where `unsafe` is written.
//!
//! It knows nothing of records. What it gives is a slice of [`AtomicU64`], so that everything above is bounds-checked
//! safe Rust. The slice lies on a mapped file or, in tests, on the heap; both go through the same unsafe line, and
//! Miri, which knows no mappings, can execute the second form:
//! `cargo +nightly miri test --lib -- evidence::map`.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that is shared with a file, as words.
#[derive(Debug)]
pub(super) struct Words {
    backing: Backing,
    len: usize,
}

#[derive(Debug)]
enum Backing {
    File(memmap2::MmapRaw),
    #[cfg(test)]
    Heap(Vec<AtomicU64>),
}

/// Length of a word.
pub(super) const WORD_BYTES: usize = size_of::<AtomicU64>();

impl Words {
    /// Maps the whole of `file`, which must be open for reading and writing.
    ///
    /// The blocks of the file must be allocated: a store to a hole on a full disk would be a SIGBUS. And the file must
    /// not be cut while it is mapped. Both are the care of `segment`, the only caller.
    pub(super) fn of_file(file: &File) -> io::Result<Self> {
        let map = memmap2::MmapRaw::map_raw(file)?;
        let len = map.len() / WORD_BYTES;
        Ok(Self { backing: Backing::File(map), len })
    }

    /// Zeroed words on the heap.
    #[cfg(test)]
    pub(super) fn on_heap(len: usize) -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(len).collect();
        Self { backing: Backing::Heap(words), len }
    }

    /// Makes every page present and writable now, so that no later store waits for it.
    pub(super) fn prefault(&self) -> io::Result<()> {
        match &self.backing {
            // It tells what a plain store would answer with a SIGBUS. Kernels before 5.14 do not know it.
            #[cfg(target_os = "linux")]
            Backing::File(map) => match map.advise(memmap2::Advice::PopulateWrite) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                done => return done,
            },
            #[cfg(any(test, not(target_os = "linux")))]
            _ => {}
        }
        // Or'ing nothing is a write that changes nothing.
        for page in self.as_slice().chunks(4096 / WORD_BYTES) {
            page[0].fetch_or(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The words.
    #[inline]
    #[expect(unsafe_code, reason = "memory shared with a file can only be reached through a raw pointer")]
    pub(super) fn as_slice(&self) -> &[AtomicU64] {
        let start: *const AtomicU64 = match &self.backing {
            Backing::File(map) => map.as_mut_ptr().cast_const().cast(),
            #[cfg(test)]
            Backing::Heap(words) => words.as_ptr(),
        };
        // SAFETY:
        // - `start` is aligned for u64 and not null: a mapping begins at a page, a vector at its element's alignment.
        // - `len` words from `start` are inside the mapping (its length divided, rounding down) or the vector, and stay
        //   there as long as the borrow of `self`: neither backing is ever remapped, grown or moved from.
        // - Every bit pattern is a valid u64, and a mapping is always initialised memory.
        // - All access, also by other processes, is to shared memory through atomics; no `&mut` or non-atomic reference
        //   to it is ever formed (`MmapRaw` is used because `MmapMut` would promise an exclusive one).
        unsafe { std::slice::from_raw_parts(start, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores_are_seen_and_bounds_hold(words: &Words) {
        let slice = words.as_slice();
        assert!(slice.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        for (index, word) in slice.iter().enumerate() {
            word.store(index as u64 + 1, Ordering::Release);
        }
        assert_eq!(slice[slice.len() - 1].load(Ordering::Acquire), slice.len() as u64);
        assert!(slice.get(slice.len()).is_none());
        words.prefault().expect("present pages");
        assert_eq!(slice[0].load(Ordering::Acquire), 1);
    }

    #[test]
    fn words_on_the_heap_hold_what_is_stored() {
        stores_are_seen_and_bounds_hold(&Words::on_heap(1500));
    }

    #[test]
    fn words_move_and_threads_share_them() {
        let words = Words::on_heap(64);
        words.as_slice()[3].store(3, Ordering::Relaxed);
        let moved = Box::new(words);
        std::thread::scope(|scope| {
            scope.spawn(|| moved.as_slice()[4].store(4, Ordering::Release));
            moved.as_slice()[5].store(5, Ordering::Release);
        });
        let values: Vec<u64> = moved.as_slice()[3..6].iter().map(|word| word.load(Ordering::Acquire)).collect();
        assert_eq!(values, [3, 4, 5]);
    }

    #[test]
    #[cfg(not(miri))]
    fn words_of_a_file_are_in_the_file() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(3 * 4096 + 5).expect("a longer file");
        let words = Words::of_file(&file).expect("a mapping");
        assert_eq!(words.as_slice().len(), 3 * 512);
        stores_are_seen_and_bounds_hold(&words);
        drop(words);
        let mut last = [0; 8];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, 3 * 4096 - 8).expect("the last word");
        assert_eq!(u64::from_ne_bytes(last), 3 * 512);
    }
}
