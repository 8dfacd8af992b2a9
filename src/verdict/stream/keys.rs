//! All keys of a run: those that it has, close together, and those that a torn record names.

use std::collections::BTreeMap;

use super::key::Key;

/// As many keys are kept close together at most.
const DENSE: u32 = 1 << 22;

/// The keys.
#[derive(Debug)]
pub(super) struct Keys {
    dense: Vec<Key>,
    odd: BTreeMap<u32, Key>,
}

impl Keys {
    pub(super) fn new(keys: u32) -> Self {
        let mut dense = Vec::new();
        dense.resize_with(keys.min(DENSE) as usize, Key::default);
        Self { dense, odd: BTreeMap::new() }
    }

    /// A key that somebody published, or that the run has.
    pub(super) fn get(&mut self, key: u32) -> Option<&mut Key> {
        match self.dense.get_mut(key as usize) {
            Some(key) => Some(key),
            None => self.odd.get_mut(&key),
        }
    }

    /// A key, made when there is none yet.
    pub(super) fn make(&mut self, key: u32) -> &mut Key {
        match self.dense.get_mut(key as usize) {
            Some(key) => key,
            None => self.odd.entry(key).or_default(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.dense.iter().chain(self.odd.values())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Key> {
        self.dense.iter_mut().chain(self.odd.values_mut())
    }

    /// All keys with their numbers.
    pub(super) fn numbered(&mut self) -> impl Iterator<Item = (u32, &mut Key)> {
        (0..).zip(&mut self.dense).chain(self.odd.iter_mut().map(|(number, key)| (*number, key)))
    }
}
