//! The scribe: writes down in the journal what the program says, and keeps what is not understood.
//!
//! It takes no instants: a line is as old as the read that brought it, which the caller stamps.

use std::collections::{BTreeMap, HashMap};

use super::line::{Flaw, Grammar, Line};
use crate::evidence::{self, Slot};
use crate::model::message_id::{IdError, MessageId};
use crate::model::record::{Commit, Handling, Ownership, OwnershipChange, Reach, Record};
use crate::model::time::MonoNs;
use crate::strategy::desk::Notebook;

/// Most messages that a program may have in hand.
const OPEN_MAX: usize = 65_536;
/// So many lines that were not understood are told word by word; the rest is counted.
const TOLD_MAX: u64 = 10;
/// So much of such a line is shown.
const SHOWN_MAX: usize = 80;
/// Partitions of keys below this are remembered.
const KEYS_KEPT: usize = 1 << 20;
/// A claim has no deadline: it holds until it is released, lost, or the member's death.
const NEVER: MonoNs = MonoNs(u64::MAX);

/// What one program in one life has said so far.
pub struct Scribe {
    notebook: Notebook,
    grammar: Grammar,
    ready: bool,
    open: HashMap<MessageId, Slot<Handling>>,
    /// Further starts of messages that are in `open`, in their order: a message can come again while it is handled.
    open_again: Vec<(MessageId, Slot<Handling>)>,
    held: BTreeMap<u16, u32>,
    /// By key; `u16::MAX` where it has not been computed yet.
    partitions: Vec<u16>,
    misunderstood: u64,
}

impl Scribe {
    /// A scribe that writes into `notebook`.
    #[must_use]
    pub fn new(notebook: Notebook, grammar: Grammar) -> Self {
        Self {
            notebook,
            grammar,
            ready: false,
            open: HashMap::new(),
            open_again: Vec::new(),
            held: BTreeMap::new(),
            partitions: Vec::new(),
            misunderstood: 0,
        }
    }

    /// Whether the program said that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Takes in line `number`, read at `at`. Returns a sentence about it when it was not understood, for the first few.
    ///
    /// # Errors
    /// When the journal cannot be written.
    #[inline]
    pub fn take(
        &mut self,
        number: u64,
        text: &[u8],
        too_long: bool,
        at: MonoNs,
    ) -> Result<Option<String>, evidence::Error> {
        let line = if too_long { Err(Flaw::TooLong) } else { self.grammar.read(text) };
        let noted = match line {
            Ok(line) => self.note(line, at)?,
            Err(flaw) => {
                // The program did handle something, and it is nothing of this run.
                if flaw == Flaw::Id(IdError::Foreign) && text.starts_with(b"done") {
                    self.note_stranger(at)?;
                }
                Err(flaw)
            }
        };
        Ok(noted.err().and_then(|flaw| self.remark(number, text, flaw)))
    }

    /// How many lines were not understood and not told.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.misunderstood.saturating_sub(TOLD_MAX)
    }

    /// Gives back what was started and never ended: it stays unfinished.
    pub fn close(self) {
        for slot in self.open.into_values().chain(self.open_again.into_iter().map(|(_, slot)| slot)) {
            self.notebook.with(|writer| writer.abandon(slot));
        }
    }

    #[inline]
    fn note(&mut self, line: Line, at: MonoNs) -> Result<Result<(), Flaw>, evidence::Error> {
        if !self.ready && !matches!(line, Line::Ready | Line::Blank) {
            return Ok(Err(Flaw::Early));
        }
        match line {
            Line::Blank => {}
            Line::Ready => self.ready = true,
            Line::End { id, stream_seq, ok } => {
                let slot = match self.take_open(id) {
                    Some(slot) => Some(slot),
                    None => self.begin(id, stream_seq, at)?,
                };
                if let Some(slot) = slot {
                    self.notebook.with(|writer| writer.finish(slot, at, ok));
                }
            }
            Line::Start { id, stream_seq } => {
                if self.open.len() + self.open_again.len() >= OPEN_MAX {
                    return Ok(Err(Flaw::Crowd(OPEN_MAX)));
                }
                if let Some(slot) = self.begin(id, stream_seq, at)? {
                    match self.open.entry(id) {
                        std::collections::hash_map::Entry::Vacant(place) => drop(place.insert(slot)),
                        std::collections::hash_map::Entry::Occupied(_) => self.open_again.push((id, slot)),
                    }
                }
            }
            Line::Commit { id, stream_seq } => {
                let partition = self.partition(id.key);
                let epoch = self.epoch(partition);
                self.notebook.append(Record::Commit(Commit {
                    at,
                    partition,
                    epoch,
                    stream_seq,
                    reach: Reach::Exact,
                }))?;
            }
            Line::Claim { partition, epoch } => {
                self.held.insert(partition, epoch);
                self.own(at, partition, epoch, OwnershipChange::Granted { deadline: NEVER })?;
            }
            Line::Release { partition } | Line::Lost { partition } => {
                let Some(epoch) = self.held.remove(&partition) else { return Ok(Err(Flaw::Unclaimed(partition))) };
                let released = matches!(line, Line::Release { .. });
                let change = if released { OwnershipChange::Released } else { OwnershipChange::Lost };
                self.own(at, partition, epoch, change)?;
            }
        }
        Ok(Ok(()))
    }

    /// The handling of `id` that was started first and has not ended.
    #[inline]
    fn take_open(&mut self, id: MessageId) -> Option<Slot<Handling>> {
        let slot = self.open.remove(&id)?;
        if let Some(next) = self.open_again.iter().position(|(again, _)| *again == id) {
            let (_, again) = self.open_again.remove(next);
            self.open.insert(id, again);
        }
        Some(slot)
    }

    /// `None` after the journal was closed.
    #[inline]
    fn begin(&mut self, id: MessageId, stream_seq: u64, at: MonoNs) -> Result<Option<Slot<Handling>>, evidence::Error> {
        let partition = self.partition(id.key);
        let handling = Handling { stream_seq, epoch: self.epoch(partition), ..handling(id, partition, at) };
        self.notebook.with(|writer| writer.begin_handling(&handling)).transpose()
    }

    /// Something was handled that is no message of this run: the ledger calls it a phantom.
    fn note_stranger(&mut self, at: MonoNs) -> Result<(), evidence::Error> {
        let nobody = MessageId { key: u32::MAX, key_seq: 0 };
        let handling = Handling { intact: false, ..handling(nobody, 0, at) };
        if let Some(slot) = self.notebook.with(|writer| writer.begin_handling(&handling)).transpose()? {
            self.notebook.with(|writer| writer.finish(slot, at, true));
        }
        Ok(())
    }

    fn own(&self, at: MonoNs, partition: u16, epoch: u32, change: OwnershipChange) -> Result<(), evidence::Error> {
        self.notebook.ownership(Ownership { at, partition, epoch, change })
    }

    fn epoch(&self, partition: u16) -> u32 {
        self.held.get(&partition).copied().unwrap_or(0)
    }

    /// The partition that `key` belongs to: a program need not say where it got a message.
    #[inline]
    fn partition(&mut self, key: u32) -> u16 {
        let compute = || crate::strategy::partition_of(key, self.grammar.partitions);
        let index = key as usize;
        if index >= KEYS_KEPT {
            return compute();
        }
        if self.partitions.len() <= index {
            self.partitions.resize(index + 1, u16::MAX);
        }
        if self.partitions[index] == u16::MAX {
            self.partitions[index] = compute();
        }
        self.partitions[index]
    }

    #[cold]
    fn remark(&mut self, number: u64, text: &[u8], flaw: Flaw) -> Option<String> {
        self.misunderstood += 1;
        let shown = text[..text.len().min(SHOWN_MAX)].escape_ascii();
        let dots = if text.len() > SHOWN_MAX { "…" } else { "" };
        (self.misunderstood <= TOLD_MAX)
            .then(|| format!("line {number} of its standard output, '{shown}{dots}': {flaw}"))
    }
}

/// A handling of which nothing is known but the message and when it was heard of.
fn handling(id: MessageId, partition: u16, at: MonoNs) -> Handling {
    Handling {
        key: id.key,
        key_seq: id.key_seq,
        partition,
        publisher: u16::MAX,
        epoch: 0,
        stream_seq: 0,
        consumer_seq: 0,
        delivered: 1,
        intact: true,
        intended: MonoNs(0),
        received: at,
        started: at,
        finished: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Layout, Writer, read_journal};
    use crate::model::history::Journal;
    use crate::model::record::{Author, Finish, Role};

    const GRAMMAR: Grammar = Grammar { run_tag: 7, partitions: 4 };

    /// What the journal holds after a program has said `lines`, one a millisecond, and what was remarked.
    fn written(lines: &[String]) -> (Journal, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let author = Author { role: Role::Consumer, index: 0, life: 1 };
        let writer = Writer::create(folder.path(), author, GRAMMAR.run_tag, Layout::default()).expect("a journal");
        let notebook = Notebook::new(writer);
        let mut scribe = Scribe::new(notebook.clone(), GRAMMAR);
        let mut remarks = Vec::new();
        for (number, line) in (1..).zip(lines) {
            remarks.extend(scribe.take(number, line.as_bytes(), false, at(number)).expect("the disk has room"));
        }
        let untold = scribe.untold();
        if untold > 0 {
            remarks.push(format!("{untold} more"));
        }
        scribe.close();
        notebook.close().expect("a journal");
        let read = read_journal(&folder.path().join(author.to_string()), author, GRAMMAR.run_tag).expect("a journal");
        assert!(read.damage.is_empty(), "{:?}", read.damage);
        (read.journal, remarks)
    }

    fn at(number: u64) -> MonoNs {
        MonoNs(number * 1_000_000)
    }

    fn id(key_seq: u32) -> String {
        String::from_utf8(MessageId { key: 3, key_seq }.text(GRAMMAR.run_tag).to_vec()).expect("digits")
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        std::iter::once("ready 1").chain(lines.iter().copied()).map(str::to_owned).collect()
    }

    #[test]
    fn a_handling_lasts_from_its_start_to_its_end() {
        let (one, two, three) = (id(1), id(2), id(3));
        let (journal, remarks) = written(&lines(&[
            &format!("start {one}"),
            &format!("done {one} 9"),
            &format!("done {two} 10"),
            &format!("fail {three}"),
        ]));
        assert!(remarks.is_empty(), "{remarks:?}");
        let told: Vec<_> = journal
            .handlings
            .iter()
            .map(|handling| (handling.key_seq, handling.stream_seq, handling.started, handling.finished))
            .collect();
        let finish = |number, ok| Some(Finish { at: at(number), ok });
        assert_eq!(
            told,
            [(1, 0, at(2), finish(3, true)), (2, 10, at(4), finish(4, true)), (3, 0, at(5), finish(5, false)),]
        );
    }

    #[test]
    fn a_message_that_comes_again_while_it_is_handled_is_two_handlings_and_the_first_ends_first() {
        let one = id(1);
        let (start, done) = (format!("start {one}"), format!("done {one}"));
        let (journal, _) = written(&lines(&[&start, &start, &start, &done, &done]));
        let ends: Vec<_> = journal.handlings.iter().map(|handling| handling.finished.map(|end| end.at)).collect();
        assert_eq!(ends, [Some(at(5)), Some(at(6)), None]);
    }

    #[test]
    fn claims_are_beliefs_without_a_deadline_and_give_handlings_their_epoch() {
        let partition = crate::strategy::partition_of(3, GRAMMAR.partitions);
        let one = id(1);
        let (journal, remarks) = written(&lines(&[
            &format!("claim {partition} 5"),
            &format!("done {one}"),
            &format!("commit {one} 77"),
            &format!("release {partition}"),
            &format!("release {partition}"),
        ]));
        assert_eq!(journal.handlings[0].epoch, 5);
        assert_eq!((journal.commits[0].stream_seq, journal.commits[0].epoch), (77, 5));
        let changes: Vec<_> = journal.ownership.iter().map(|ownership| ownership.change).collect();
        assert_eq!(changes, [OwnershipChange::Granted { deadline: NEVER }, OwnershipChange::Released]);
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(remarks[0].contains("was not claimed"), "{remarks:?}");
    }

    #[test]
    fn before_ready_nothing_counts_and_of_much_nonsense_little_is_told() {
        let mut all = vec![format!("done {}", id(1)), "ready 1".to_owned()];
        all.extend((0..50).map(|number| format!("nonsense {number}")));
        let (journal, remarks) = written(&all);
        assert!(journal.handlings.is_empty());
        assert!(remarks[0].contains("it came before `ready 1`"), "{remarks:?}");
        assert_eq!(remarks.len() as u64, TOLD_MAX + 1);
        assert_eq!(remarks.last().expect("one").as_str(), "41 more");
    }

    #[test]
    fn an_id_of_another_run_is_handled_by_nobody_known() {
        let foreign = MessageId { key: 3, key_seq: 1 }.text(GRAMMAR.run_tag + 1);
        let foreign = String::from_utf8(foreign.to_vec()).expect("digits");
        let (journal, remarks) = written(&lines(&[&format!("done {foreign}")]));
        assert_eq!((journal.handlings.len(), journal.handlings[0].intact), (1, false));
        assert!(remarks[0].contains("no message of this run"), "{remarks:?}");
    }
}
