//! What a journal promises when its process is killed or the disk is full: the processes here are real.
//!
//! A test starts itself again as a child: the same test, with the folder to write to in the environment.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jetlag::evidence::{Error, Layout, Writer, read_journal};
use jetlag::model::history::Journal;
use jetlag::model::record::{Author, Commit, Fate, Finish, Handling, Publish, Reach, Record, Role};
use jetlag::model::time::MonoNs;
use rand::{RngExt, SeedableRng};

const CHILD: &str = "JETLAG_TEST_CHILD_WRITES_TO";
const RUN: u64 = 42;
const AUTHOR: Author = Author { role: Role::Publisher, index: 0, life: 1 };
const PATIENCE: Duration = Duration::from_secs(30);
/// Publishes that wait for their fate at any time: more than a small segment holds.
const WINDOW: usize = 300;
const SMALL: u32 = 16 * 1024;

fn publish(seq: u32) -> Publish {
    let at = MonoNs(u64::from(seq) * 1000);
    Publish {
        key: seq % 10,
        key_seq: seq,
        partition: (seq % 16) as u16,
        publisher: 1,
        intended: at,
        possible: at,
        sent: at,
        bytes: 128,
        fate: Fate::Unknown,
    }
}

fn handling(seq: u32) -> Handling {
    let at = MonoNs(u64::from(seq) * 1000 + 10);
    Handling {
        key: seq % 10,
        key_seq: seq,
        partition: (seq % 16) as u16,
        publisher: 1,
        epoch: seq,
        stream_seq: u64::from(seq) << 20,
        consumer_seq: seq,
        delivered: 1,
        intact: true,
        intended: at,
        received: at,
        started: at,
        finished: None,
    }
}

fn commit(seq: u32) -> Commit {
    let at = MonoNs(u64::from(seq) * 1000 + 30);
    Commit { at, partition: (seq % 16) as u16, epoch: seq, stream_seq: u64::from(seq) << 20, reach: Reach::Exact }
}

fn end(seq: u32) -> Finish {
    Finish { at: MonoNs(u64::from(seq) * 1000 + 20), ok: !seq.is_multiple_of(5) }
}

fn stored(seq: u32) -> Fate {
    Fate::Stored {
        at: MonoNs(u64::from(seq) * 1000 + 15),
        stream_seq: u64::from(seq) << 20,
        duplicate: seq.is_multiple_of(7),
    }
}

/// Writes as fast as it can; says every few rounds on standard output how many are done.
fn write_for_ever(journals: &Path, segment_bytes: u32) -> Error {
    let layout = Layout { segment_bytes, patience: PATIENCE };
    let mut writer = Writer::create(journals, AUTHOR, RUN, layout).expect("a journal");
    let mut window = VecDeque::new();
    let mut out = std::io::stdout().lock();
    for seq in 1.. {
        let round = || -> Result<(), Error> {
            window.push_back((seq, writer.begin_publish(&publish(seq))?));
            let slot = writer.begin_handling(&handling(seq))?;
            writer.finish(slot, end(seq).at, end(seq).ok);
            writer.append(&Record::Commit(commit(seq)))?;
            if window.len() > WINDOW
                && let Some((seq, slot)) = window.pop_front()
                && let Fate::Stored { at, stream_seq, duplicate } = stored(seq)
            {
                writer.stored(slot, at, stream_seq, duplicate);
            }
            Ok(())
        };
        if let Err(error) = { round }() {
            let again = writer.append(&Record::Commit(commit(0)));
            assert!(matches!(again, Err(Error::Ended { .. })), "{again:?}");
            // What is open can still be completed, and the journal closed.
            for (seq, slot) in window {
                if let Fate::Stored { at, stream_seq, duplicate } = stored(seq) {
                    writer.stored(slot, at, stream_seq, duplicate);
                }
            }
            writer.close().expect("a closed journal");
            return error;
        }
        if seq % 8 == 0 {
            out.write_all(format!("acked {seq}\n").as_bytes()).and_then(|()| out.flush()).expect("a parent");
        }
    }
    unreachable!("four thousand million rounds")
}

/// Starts the test `name` of this file again, writing to `journals`; signal 25 (file too large) is an error there.
fn spawn(name: &str, journals: &Path) -> Child {
    Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, journals)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test again")
}

fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// The last count that a child said.
fn last_acked(said: impl BufRead) -> u32 {
    let said = said.lines().map_while(Result::ok);
    said.filter_map(|line| line.strip_prefix("acked ")?.parse().ok()).last().unwrap_or(0)
}

/// Everything acknowledged is there, everything there is true, and only the very end may be incomplete.
fn check(journals: &Path, acked: u32) -> Journal {
    let read = read_journal(&journals.join(AUTHOR.to_string()), AUTHOR, RUN).expect("a readable journal");
    assert_eq!(read.damage, Vec::<String>::new());
    let journal = read.journal;
    let count = journal.publishes.len();
    assert!(journal.commits.len() >= acked as usize, "{acked} acknowledged, {} there", journal.commits.len());
    for others in [journal.handlings.len(), journal.commits.len()] {
        assert!(others == count || others + 1 == count, "{others} of {count}");
    }
    for (seq, found) in (1..).zip(&journal.handlings) {
        let open = Handling { finished: None, ..*found };
        assert_eq!(open, handling(seq));
        let may_be_open = seq as usize == journal.handlings.len() && seq > acked;
        assert!(found.finished == Some(end(seq)) || (may_be_open && found.finished.is_none()), "{found:?}");
    }
    for (seq, found) in (1..).zip(&journal.commits) {
        assert_eq!(*found, commit(seq));
    }
    for (seq, found) in (1..).zip(&journal.publishes) {
        assert_eq!(Publish { fate: Fate::Unknown, ..*found }, publish(seq));
        let may_be_open = seq as usize + WINDOW > acked as usize;
        assert!(found.fate == stored(seq) || (may_be_open && found.fate == Fate::Unknown), "{found:?}");
    }
    journal
}

#[test]
fn nothing_committed_is_missing_after_kill_dash_nine() {
    let name = "nothing_committed_is_missing_after_kill_dash_nine";
    let small = |journals: &Path| journals.file_name().is_some_and(|name| name == "small");
    if let Some(journals) = child_folder() {
        let segment_bytes = if small(&journals) { SMALL } else { Layout::default().segment_bytes };
        panic!("{}", write_for_ever(&journals, segment_bytes));
    }
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    let mut most = 0;
    for kill in 0..16 {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let journals = dir.path().join(if kill % 2 == 0 { "small" } else { "large" });
        let mut child = spawn(name, &journals);
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut first = String::new();
        while !first.starts_with("acked") {
            first.clear();
            assert!(said.read_line(&mut first).expect("a line") > 0, "the child ended by itself");
        }
        let reader = std::thread::spawn(move || last_acked(said));
        std::thread::sleep(Duration::from_micros(random.random_range(0..60_000)));
        child.kill().expect("killed");
        child.wait().expect("waited");
        let acked = reader.join().expect("read").max(8);
        most = most.max(check(&journals, acked).commits.len());
    }
    assert!(most > 1000, "the children hardly wrote: {most} records");
}

#[test]
fn a_process_killed_while_it_begins_leaves_no_damage() {
    if let Some(journals) = child_folder() {
        panic!("{}", write_for_ever(&journals, Layout::default().segment_bytes));
    }
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(10);
    for _ in 0..12 {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut child = spawn("a_process_killed_while_it_begins_leaves_no_damage", dir.path());
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        let reader = std::thread::spawn(move || last_acked(said));
        std::thread::sleep(Duration::from_micros(random.random_range(1000..8_000)));
        child.kill().expect("killed");
        child.wait().expect("waited");
        let acked = reader.join().expect("read");
        if dir.path().join(AUTHOR.to_string()).exists() {
            check(dir.path(), acked);
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_costs_nothing_that_was_recorded() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if let Some(journals) = child_folder() {
        // A limit on the size of a file answers as a full disk does; the first segments are there before it.
        let writer = std::thread::spawn(move || write_for_ever(&journals, 1 << 20));
        std::thread::sleep(Duration::from_millis(30));
        let limit = Rlimit { current: Some(512 * 1024), maximum: getrlimit(Resource::Fsize).maximum };
        setrlimit(Resource::Fsize, limit).expect("a limit");
        let error = writer.join().expect("no panic");
        assert!(error.is_full_disk(), "{error:?}");
        assert!(error.to_string().contains("--out"), "{error}");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let name = "a_full_disk_is_an_error_and_costs_nothing_that_was_recorded";
    let mut child = spawn(name, dir.path());
    let acked = last_acked(BufReader::new(child.stdout.take().expect("a pipe")));
    let status = child.wait().expect("waited");
    assert!(status.success(), "{status}");
    assert!(acked > 0);
    let journal = check(dir.path(), acked);
    assert!(journal.publishes.iter().zip(1..).all(|(publish, seq)| publish.fate == stored(seq)));
}
