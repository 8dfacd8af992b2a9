use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::evidence::{Follower, Layout, Writer, read_journal, reader};
use crate::model::record::{Author, Commit, Handling, Reach, Record, Role};

const AUTHOR: Author = Author { role: Role::Consumer, index: 1, life: 1 };
const RUN: u64 = 0xfeed;
/// Eight records to a segment.
const SMALL: Layout = Layout { segment_bytes: 9 * 64, patience: Duration::from_secs(5) };
const S: u64 = 1_000_000_000;

fn commit(seq: u64) -> Record {
    Record::Commit(Commit { at: MonoNs(seq * S), partition: 1, epoch: 1, stream_seq: seq, reach: Reach::UpTo })
}

fn handling(seq: u64) -> Handling {
    Handling {
        key: 1,
        key_seq: seq as u32,
        partition: 1,
        publisher: 0,
        epoch: 1,
        stream_seq: seq,
        consumer_seq: seq as u32,
        delivered: 1,
        intact: true,
        intended: MonoNs(seq * S),
        received: MonoNs(seq * S),
        started: MonoNs(seq * S),
        finished: None,
    }
}

/// A journal of a commit each second, and somebody who has followed it.
fn written(run: &Path, count: u64) -> (Writer, Follower) {
    let journals = super::super::folder::journals_of(run);
    let mut writer = Writer::create(&journals, AUTHOR, RUN, SMALL).expect("a journal");
    for seq in 1..=count {
        writer.append(&commit(seq)).expect("room");
    }
    let mut follower = Follower::new(&journals, AUTHOR, RUN).counting();
    follower.poll(|_| ()).expect("it can be read");
    (writer, follower)
}

/// What is left of the commits, and what is wrong with the journal.
fn left(run: &Path) -> (Vec<u64>, Vec<String>) {
    let dropped = read(&super::super::folder::dropped_in(run), RUN).expect("a list, or none").unwrap_or_default();
    let folder = super::super::folder::journals_of(run).join(AUTHOR.to_string());
    let read = reader::read_what_is_left(&folder, AUTHOR, RUN, dropped.of_journal(AUTHOR)).expect("a journal");
    (read.journal.commits.iter().map(|commit| commit.stream_seq).collect(), read.damage)
}

#[test]
fn what_was_verified_goes_and_the_rest_reads_as_before() {
    let run = tempfile::tempdir().expect("a temporary folder");
    let (writer, mut follower) = written(run.path(), 50);
    let mut dropper = Dropper::new(run.path(), RUN);
    dropper.take(follower.take_pieces());
    dropper.drop_before(MonoNs(30 * S)).expect("room");
    // Of six whole segments three ended before second 25.
    assert_eq!(left(run.path()), ((25..=50).collect(), Vec::new()));
    let dropped = dropper.dropped();
    assert_eq!((dropped.segments, dropped.records, dropped.kept), (3, 24, 0));
    assert_eq!((dropped.first, dropped.last), (MonoNs(S), MonoNs(24 * S)));
    assert!(dropped.bytes >= 3 * 4096, "{dropped:?}");
    // Without the list it is damage.
    let folder = super::super::folder::journals_of(run.path()).join(AUTHOR.to_string());
    assert!(!read_journal(&folder, AUTHOR, RUN).expect("a journal").damage.is_empty());
    drop(writer);
    // The author has ended: what it had begun goes, and what lay ready behind that.
    dropper.take(follower.end_open(|_, _, _| ()).expect("it can be read"));
    dropper.drop_before(MonoNs(60 * S)).expect("room");
    assert_eq!(left(run.path()), (Vec::new(), Vec::new()));
    assert_eq!(std::fs::read_dir(folder).expect("the folder stays").count(), 0);
}

#[test]
fn a_segment_with_something_open_stays_until_that_ends() {
    let run = tempfile::tempdir().expect("a temporary folder");
    let journals = super::super::folder::journals_of(run.path());
    let mut writer = Writer::create(&journals, AUTHOR, RUN, SMALL).expect("a journal");
    let slot = writer.begin_handling(&handling(1)).expect("room");
    for seq in 2..=20 {
        writer.append(&commit(seq)).expect("room");
    }
    let mut follower = Follower::new(&journals, AUTHOR, RUN).counting();
    follower.poll(|_| ()).expect("it can be read");
    assert_eq!(follower.take_pieces().iter().map(|piece| piece.index).collect::<Vec<_>>(), [1]);
    follower.give_up(MonoNs(100 * S));
    assert_eq!(follower.take_pieces(), []);
    writer.finish(slot, MonoNs(40 * S), true);
    follower.poll(|_| ()).expect("it can be read");
    let pieces = follower.take_pieces();
    assert_eq!((pieces[0].index, pieces[0].first, pieces[0].last), (0, MonoNs(S), MonoNs(40 * S)));
}

#[test]
fn what_lies_around_a_violation_stays_up_to_a_bound() {
    let run = tempfile::tempdir().expect("a temporary folder");
    let (_writer, mut follower) = written(run.path(), 200);
    let mut dropper = Dropper::new(run.path(), RUN).keeping_at_most(4 * 4096);
    dropper.take(follower.take_pieces());
    dropper.keep_around(MonoNs(60 * S));
    dropper.drop_before(MonoNs(400 * S)).expect("room");
    let (left_of, damage) = left(run.path());
    assert_eq!(damage, Vec::<String>::new());
    // From five seconds before to five behind: two or three segments of eight seconds.
    assert!((55..=65).all(|seq| left_of.contains(&seq)), "{left_of:?}");
    let kept = left_of.iter().filter(|seq| **seq <= 192).count();
    assert!(kept <= 24, "{kept}");
    for at in 1..30 {
        dropper.keep_around(MonoNs(at * 5 * S));
    }
    let (_writer, mut other) = written(&run.path().join("other"), 200);
    dropper.folder = run.path().join("other");
    dropper.take(other.take_pieces());
    dropper.drop_before(MonoNs(400 * S)).expect("room");
    assert!(dropper.kept_bytes <= 4 * 4096 && dropper.dropped().not_kept > 0, "{dropper:?}");
}

#[test]
fn a_list_that_cannot_be_understood_is_told() {
    let run = tempfile::tempdir().expect("a temporary folder");
    let path = super::super::folder::dropped_in(run.path());
    let list = |dropped: &Dropped| serde_json::to_string(dropped).expect("it is plain data");
    let disordered = Dropped { journals: [("c1.1".to_owned(), vec![(4, 5), (1, 2)])].into(), ..Dropped::of(RUN) };
    for (text, says) in [
        ("{".to_owned(), "cannot be understood"),
        (list(&Dropped::of(RUN + 1)), "another run"),
        (list(&disordered), "no order"),
    ] {
        std::fs::write(&path, text).expect("room");
        let told = read(&path, RUN).expect_err("it is wrong");
        assert!(told.contains(says), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// However it is dropped, held and killed between list and removal: exactly the records of what is not listed are read, without damage.
    #[test]
    fn whatever_is_dropped_the_rest_is_read(
        count in 1..150_u64,
        rounds in prop::collection::vec((0..200_u64, prop::option::of(0..160_u64)), 1..5),
        undone in prop::collection::btree_set(0..20_u32, 0..4),
        ends in any::<bool>(),
    ) {
        let run = tempfile::tempdir().expect("a temporary folder");
        let (writer, mut follower) = written(run.path(), count);
        let folder = super::super::folder::journals_of(run.path()).join(AUTHOR.to_string());
        let copies: Vec<_> = undone
            .iter()
            .filter_map(|index| std::fs::read(super::super::journal_file(&folder, *index)).ok().map(|bytes| (*index, bytes)))
            .collect();
        let mut dropper = Dropper::new(run.path(), RUN);
        dropper.take(follower.take_pieces());
        let mut held = Vec::new();
        let mut judged = 0;
        for (to, hold) in rounds {
            judged = to.max(judged);
            // What is held is found behind what was judged before.
            if let Some(at) = hold.filter(|at| *at >= judged) {
                dropper.keep_around(MonoNs(at * S));
                held.push(at);
            }
            dropper.drop_before(MonoNs(judged * S)).expect("room");
        }
        drop(writer);
        if ends {
            dropper.take(follower.end_open(|_, _, _| ()).expect("it can be read"));
            dropper.drop_before(MonoNs(judged * S)).expect("room");
        }
        let gone: BTreeSet<u32> = dropper.dropped().of_journal(AUTHOR).iter().flat_map(|(from, to)| *from..=*to).collect();
        // As if it had been killed before these were removed.
        for (index, bytes) in copies.iter().filter(|(index, _)| gone.contains(index)) {
            std::fs::write(super::super::journal_file(&folder, *index), bytes).expect("room");
        }
        let expected: Vec<u64> = (1..=count).filter(|seq| !gone.contains(&(((seq - 1) / 8) as u32))).collect();
        prop_assert_eq!(left(run.path()), (expected, Vec::new()));
        prop_assert!(gone.iter().all(|index| u64::from(*index) * 8 + 5 < judged.max(1) || count <= u64::from(*index) * 8));
        for at in held {
            let near = (at.saturating_sub(5).max(1)..=(at + 5).min(count)).map(|seq| ((seq - 1) / 8) as u32);
            prop_assert!(near.into_iter().all(|index| !gone.contains(&index)), "{:?} {}", gone, at);
        }
        let records = dropper.dropped().records;
        prop_assert_eq!(records, (1..=count).filter(|seq| gone.contains(&(((seq - 1) / 8) as u32))).count() as u64);
    }
}
