//! The followed ledger agrees with the ledger over the whole evidence, however the evidence is cut into pieces.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::super::oracle::{RandomHandling, build, commits, handlings, publishes, replays};
use super::super::scenario::us;
use super::{Account, Patience, Stream};
use crate::model::history::History;
use crate::model::record::{Author, Fate, Ownership, OwnershipChange, Publish, Record};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::judge;

const FOR_EVER: SpanNs = SpanNs(u64::MAX);
const NEVER: MonoNs = MonoNs(u64::MAX);
/// Everything is waited for, and nothing is forgotten.
pub(crate) const PATIENT: Patience = Patience { place: FOR_EVER, committed: FOR_EVER, uncommitted: FOR_EVER };
/// What is handled and committed is forgotten at once.
pub(crate) const FORGETFUL: Patience = Patience { committed: SpanNs(0), ..PATIENT };

/// One record as somebody who follows the journals comes to know of it.
struct Piece {
    author: Author,
    number: u64,
    record: Record,
    /// When it is there.
    begun: MonoNs,
    /// When it is complete.
    complete: MonoNs,
    told: bool,
    told_open: bool,
}

fn pieces(history: &History, never_ends: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for journal in &history.journals {
        let mut add = |number: usize, record: Record, begun: MonoNs, complete: MonoNs| {
            let (author, number) = (journal.author, number as u64);
            pieces.push(Piece { author, number, record, begun, complete, told: false, told_open: false });
        };
        for (number, publish) in journal.publishes.iter().enumerate() {
            let complete = match publish.fate {
                Fate::Unknown => NEVER,
                Fate::Stored { at, .. } | Fate::Failed { at } => at,
            };
            add(number, Record::Publish(*publish), publish.sent, complete);
        }
        for (number, handling) in journal.handlings.iter().enumerate() {
            // Whoever is cut off may still be thought to be at it.
            let cut_off = if never_ends { NEVER } else { handling.started };
            let complete = handling.finished.map_or(cut_off, |finish| finish.at);
            add(number, Record::Handling(*handling), handling.started, complete);
        }
        journal.commits.iter().for_each(|it| add(0, Record::Commit(*it), it.at, it.at));
        journal.ownership.iter().for_each(|it| add(0, Record::Ownership(*it), it.at, it.at));
        journal.life.iter().for_each(|it| add(0, Record::Life(*it), it.at, it.at));
        journal.terms.iter().for_each(|it| add(0, Record::Term(*it), it.at, it.at));
    }
    pieces
}

/// Whoever follows a run.
pub(crate) trait Follows {
    fn take(&mut self, author: Author, number: u64, record: &Record, again: bool);
    fn tell(&mut self, line: &StoryLine);
    fn advance(&mut self, watermark: MonoNs);
}

impl Follows for Stream {
    fn take(&mut self, author: Author, number: u64, record: &Record, again: bool) {
        Stream::take(self, author, number, record, again);
    }

    fn tell(&mut self, line: &StoryLine) {
        Stream::tell(self, line);
    }

    fn advance(&mut self, watermark: MonoNs) {
        Stream::advance(self, watermark);
    }
}

/// The counts of a history that is followed, looked at at the `cuts`.
fn follow(history: &History, cuts: &[u64], patience: Patience, never_ends: bool) -> (Account, u64) {
    let mut stream = Stream::new(&history.manifest, patience);
    feed(history, cuts, never_ends, &mut stream);
    stream.finish()
}

/// Tells a history as somebody comes to know of it who looks at the `cuts`.
pub(crate) fn feed(history: &History, cuts: &[u64], never_ends: bool, stream: &mut impl Follows) {
    history.story.iter().for_each(|line| stream.tell(line));
    let mut pieces = pieces(history, never_ends);
    let mut cuts: Vec<u64> = cuts.to_vec();
    cuts.sort_unstable();
    for cut in cuts.into_iter().map(us).chain([NEVER]) {
        let last = cut == NEVER;
        let mut watermark = cut;
        for piece in &mut pieces {
            let Piece { author, number, record, begun, complete, .. } = *piece;
            if piece.told {
            } else if complete < cut || last {
                piece.told = true;
                let is_new = complete != NEVER || !piece.told_open;
                if is_new {
                    stream.take(author, number, &record, piece.told_open);
                }
            } else if begun < cut {
                match record {
                    Record::Publish(publish) if !piece.told_open => {
                        piece.told_open = true;
                        let open = Publish { fate: Fate::Unknown, ..publish };
                        stream.take(author, number, &Record::Publish(open), false);
                    }
                    Record::Handling(_) => watermark = watermark.min(begun),
                    _ => {}
                }
            }
        }
        if !last {
            stream.advance(watermark);
        }
    }
}

pub(crate) fn cuts() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(15..110_u64, 0..8)
}

/// Grants, renewals, losses of members 0…2: (member, partition, epoch, at, what).
fn ownership() -> impl Strategy<Value = Vec<(u16, u16, u32, u64, u8)>> {
    prop::collection::vec((0..3_u16, 0..2_u16, 1..5_u32, 15..90_u64, 0..6_u8), 0..10)
}

/// Random handlings and replays of random messages, in random epochs.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    (
        (prop::bool::weighted(0.1), publishes(), replays(), handlings(), commits()),
        (
            ownership(),
            prop::collection::vec(0..5_u32, 1..9),
            prop::option::weighted(0.3, (40..120_u64, prop::option::of(prop::bool::ANY))),
        ),
        (prop::collection::vec(15..110_u64, 0..3), prop::bool::ANY),
    )
        .prop_map(
            |((streamless, publishes, replays, handlings, commits), (ownership, epochs, cut), (server_ends, acks))| {
                let handlings: Vec<RandomHandling> = handlings;
                let mut history = build(streamless, &publishes, &replays, &handlings, &commits, None);
                history.manifest.commit_mode = acks.then(|| "ack-all".to_owned());
                for (member, partition, epoch, at, what) in ownership {
                    let at = us(at);
                    let deadline = at + SpanNs(u64::from(what) * 9_000);
                    let change = match what {
                        0 => OwnershipChange::Released,
                        1 => OwnershipChange::Lost,
                        2 | 3 => OwnershipChange::Renewed { deadline },
                        _ => OwnershipChange::Granted { deadline },
                    };
                    let member = usize::from(member) % history.journals.len().max(1);
                    if let Some(journal) = history.journals.get_mut(member) {
                        journal.ownership.push(Ownership { at, partition, epoch, change });
                    }
                }
                for journal in &mut history.journals {
                    journal.ownership.sort_by_key(|it| it.at);
                    for (handling, epoch) in journal.handlings.iter_mut().zip(epochs.iter().cycle()) {
                        handling.epoch = *epoch;
                    }
                }
                let exited = |at| StoryLine {
                    at: us(at),
                    event: StoryEvent::Exited {
                        process: "server-0".to_owned(),
                        code: None,
                        signal: Some(9),
                        ordered: true,
                        message: None,
                    },
                };
                history.story.extend(server_ends.into_iter().map(exited));
                if let Some((cut, refused)) = cut {
                    if let Some(in_time) = refused {
                        let phase = if in_time { Phase::Drain } else { Phase::Provision };
                        history.story.push(StoryLine { at: us(30), event: StoryEvent::Phase { phase } });
                        let refused = StoryEvent::Refused { process: "c1.1".to_owned(), reason: "no".to_owned() };
                        history.story.push(StoryLine { at: us(35), event: refused });
                    }
                    history.story.push(StoryLine { at: us(cut), event: StoryEvent::DrainCut { waiting: 1 } });
                }
                history.journals.sort_by_key(|journal| journal.author);
                history
            },
        )
}

/// What the whole evidence counts to. What the stream itself said at the end is not followed.
fn expected(history: &History) -> Account {
    Account { evicted: None, lost_by_server: None, perished: 0, hidden: 0, ..Account::of(&judge(history)) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn told_at_once_it_counts_as_the_ledger_does(history in histories()) {
        let (account, surprises) = follow(&history, &[], PATIENT, false);
        if surprises == 0 {
            prop_assert_eq!(account, expected(&history));
        }
    }

    #[test]
    fn told_piece_by_piece_it_counts_as_the_ledger_does(history in histories(), cuts in cuts(), never_ends: bool) {
        let (account, surprises) = follow(&history, &cuts, PATIENT, never_ends);
        if surprises == 0 {
            prop_assert_eq!(account, expected(&history));
        }
    }

    #[test]
    fn what_is_forgotten_is_counted_as_the_ledger_does(history in histories(), cuts in cuts()) {
        let (account, surprises) = follow(&history, &cuts, FORGETFUL, false);
        if surprises == 0 {
            prop_assert_eq!(account, expected(&history));
        }
    }
}

/// A surprise excuses a difference, so most histories must be without one. Where nobody owns anything, only a copy that
/// stands before one that was given out is a surprise; the random histories are full of those.
#[test]
fn surprises_are_rare() {
    let mut runner = TestRunner::deterministic();
    let (mut surprising, cases) = (0, 300);
    for _ in 0..cases {
        let case = (histories(), cuts()).new_tree(&mut runner).expect("a history").current();
        surprising += u32::from(follow(&case.0, &case.1, PATIENT, true).1 > 0);
    }
    assert!(surprising * 3 < cases, "{surprising} of {cases}");
}
