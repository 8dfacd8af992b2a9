//! How many instructions the hot paths take, counted by valgrind: figures that a busy machine does not move.
//!
//! `scripts/check instructions` counts and holds the counts against `benches/instructions.json`;
//! `scripts/instructions` has the words for one's own use. Counting takes valgrind and a program of gungraun's, the
//! runner. Where one of them is missing this bench says so and ends well: the counts are a gate of their own.
//!
//! Every benchmark does its work [`TIMES`] times, so that what surrounds it does not count. Instructions are not time: a
//! cache miss costs nothing here, and neither does a lock. What takes longer for such a reason the other benches find.

#[path = "generated/history.rs"]
mod history;

use std::process::{Command, Stdio};

/// How often each benchmark does its work: for `verdict`, messages of the run that is judged.
const TIMES: u32 = 2_000;

#[expect(clippy::exit, reason = "gungraun's own main ends so when counting fails; nothing is open by then")]
mod counted {
    use std::hint::black_box;

    use bytes::BytesMut;
    use gungraun::prelude::*;
    use hdrhistogram::Histogram;
    use jetlag::evidence::{Layout, Writer};
    use jetlag::metric;
    use jetlag::model::bank::Workload;
    use jetlag::model::history::History;
    use jetlag::model::payload::Template;
    use jetlag::model::record::{Author, Commit, Fate, Handling, Publish, Reach, Record, Role};
    use jetlag::model::time::MonoNs;
    use jetlag::model::units::Rate;
    use jetlag::nats::plain::frames::{Frame, Frames};
    use jetlag::nats::plain::{Envelope, words};
    use jetlag::profile::document::Arrivals;
    use jetlag::profile::plan::{KeyChoice, Load, Way};
    use jetlag::worker::line::Line;
    use jetlag::worker::load::{Keys, Schedule, Share};
    use jetlag::{analysis, verdict};

    use super::{TIMES, history};

    const SEED: u64 = 1;
    const SHARE: Share = Share { index: 0, publishers: 2 };

    fn template(size: usize) -> (Template, BytesMut) {
        (Template::new(7, 1, size), BytesMut::with_capacity(size))
    }

    #[library_benchmark(setup = template)]
    #[bench::b128(128)]
    #[bench::b1024(1024)]
    fn encode((template, mut bytes): (Template, BytesMut)) -> (Template, BytesMut) {
        for seq in 1..=TIMES {
            bytes.clear();
            template.append(black_box(5), seq, 3, MonoNs(u64::from(seq)), &mut bytes);
        }
        (template, bytes)
    }

    fn encoded(size: usize) -> BytesMut {
        let (template, mut bytes) = template(size);
        template.append(5, 1, 3, MonoNs(1), &mut bytes);
        bytes
    }

    #[library_benchmark(setup = encoded)]
    #[bench::b128(128)]
    #[bench::b1024(1024)]
    fn decode(bytes: BytesMut) -> BytesMut {
        for _ in 0..TIMES {
            let _ = black_box(jetlag::model::payload::decode(black_box(&bytes)));
        }
        bytes
    }

    /// A journal with room for all that is written, in a folder that goes when it is dropped.
    fn journal() -> (Writer, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let author = Author { role: Role::Consumer, index: 0, life: 1 };
        (Writer::create(folder.path(), author, 1, Layout::default()).expect("a journal"), folder)
    }

    #[library_benchmark(setup = journal)]
    #[bench::handling()]
    fn begin_and_finish((mut writer, folder): (Writer, tempfile::TempDir)) -> (Writer, tempfile::TempDir) {
        for seq in 0..TIMES {
            let at = MonoNs(u64::from(seq));
            let handling = Handling {
                key: seq,
                key_seq: seq,
                partition: 3,
                publisher: 1,
                epoch: 2,
                stream_seq: u64::from(seq),
                consumer_seq: seq,
                delivered: 1,
                intact: true,
                intended: at,
                received: at,
                started: at,
                finished: None,
            };
            let slot = writer.begin_handling(black_box(&handling)).expect("room on the disk");
            writer.finish(slot, at, true);
        }
        (writer, folder)
    }

    #[library_benchmark(setup = journal)]
    #[bench::publish()]
    fn begin_and_settle((mut writer, folder): (Writer, tempfile::TempDir)) -> (Writer, tempfile::TempDir) {
        for seq in 0..TIMES {
            let at = MonoNs(u64::from(seq));
            let publish = Publish {
                key: seq,
                key_seq: seq,
                partition: 3,
                publisher: 1,
                intended: at,
                possible: at,
                sent: at,
                bytes: 128,
                fate: Fate::Unknown,
            };
            let slot = writer.begin_publish(black_box(&publish)).expect("room on the disk");
            writer.stored(slot, at, u64::from(seq), false);
        }
        (writer, folder)
    }

    #[library_benchmark(setup = journal)]
    #[bench::commit()]
    fn append((mut writer, folder): (Writer, tempfile::TempDir)) -> (Writer, tempfile::TempDir) {
        for seq in 0..TIMES {
            let stream_seq = u64::from(seq);
            let commit = Commit { at: MonoNs(stream_seq), partition: 3, epoch: 2, stream_seq, reach: Reach::UpTo };
            writer.append(black_box(&Record::Commit(commit))).expect("room on the disk");
        }
        (writer, folder)
    }

    fn schedule(arrivals: Arrivals) -> Schedule {
        Schedule::new(arrivals, 100_000.0, SEED, SHARE)
    }

    #[library_benchmark(setup = schedule)]
    #[bench::uniform(Arrivals::Uniform)]
    #[bench::poisson(Arrivals::Poisson)]
    fn advance(mut schedule: Schedule) -> Schedule {
        for _ in 0..TIMES {
            black_box(schedule.peek());
            schedule.advance();
        }
        schedule
    }

    fn keys(key_choice: KeyChoice) -> Keys {
        let load = Load {
            publishers: SHARE.publishers,
            rate: Rate::Max,
            arrivals: Arrivals::Poisson,
            payload_bytes: 256,
            path: jetlag::nats::link::Path::default(),
            way: Way::Sync,
            backlog: 0,
            keys: 10_000,
            key_choice,
            message_id: true,
            workload: Workload::Plain,
        };
        Keys::new(&load, SEED, SHARE).expect("there are more keys than publishers")
    }

    #[library_benchmark(setup = keys)]
    #[bench::uniform(KeyChoice::Uniform)]
    #[bench::zipf(KeyChoice::Zipf { exponent: 1.0 })]
    fn draw(mut keys: Keys) -> Keys {
        for _ in 0..TIMES {
            black_box(keys.draw());
        }
        keys
    }

    #[library_benchmark(setup = Line::new)]
    #[bench::window_256(256)]
    fn send_and_store(mut line: Line<[u64; 6]>) -> Line<[u64; 6]> {
        for _ in 0..TIMES {
            let ticket = line.send(black_box([0_u64; 6]));
            black_box(line.stored(ticket));
        }
        line
    }

    fn texts(length: usize) -> Vec<Vec<u8>> {
        (0..TIMES).map(|number| format!("{number:0length$}").into_bytes()).collect()
    }

    #[library_benchmark(setup = texts)]
    #[bench::b4(4)]
    #[bench::b16(16)]
    #[bench::b64(64)]
    fn partition(keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for key in &keys {
            black_box(lease_group::partitioner::partition(black_box(key), black_box(16)));
        }
        keys
    }

    fn histogram() -> Histogram<u64> {
        Histogram::new_with_bounds(1_000, 3_600_000_000_000, 3).expect("valid bounds")
    }

    #[library_benchmark(setup = histogram)]
    #[bench::latency()]
    fn record(mut histogram: Histogram<u64>) -> Histogram<u64> {
        for number in 0..u64::from(TIMES) {
            histogram.saturating_record(black_box(200_000 + number * number * 7));
        }
        histogram
    }

    #[library_benchmark(setup = history::generated)]
    #[bench::message(TIMES)]
    fn judge(history: History) -> History {
        black_box(verdict::judge(&history));
        history
    }

    #[library_benchmark(setup = history::generated)]
    #[bench::message(TIMES)]
    fn study(history: History) -> History {
        black_box(metric::readings(&analysis::study(&history)));
        history
    }

    fn said(size: usize) -> (Frames, Vec<u8>) {
        let message = |at| {
            let reply = format!("$JS.ACK.jetlag-7a.jetlag-7a.1.{at}.{at}.1700000000000000000.{}", TIMES - at);
            let head = format!("MSG jetlag.7a.0 3 {reply} {size}\r\n");
            [head.into_bytes(), vec![b'x'; size], b"\r\n".to_vec()].concat()
        };
        (Frames::default(), (1..=TIMES).flat_map(message).collect())
    }

    #[library_benchmark(setup = said)]
    #[bench::b128(128)]
    fn read((mut frames, said): (Frames, Vec<u8>)) -> (Frames, Vec<u8>) {
        for part in said.chunks(1 << 16) {
            frames.room().extend_from_slice(part);
            while let Ok(Some(Frame::Message(_, message))) = frames.take() {
                black_box(message.reply().and_then(lease_group::Delivery::parse));
            }
        }
        (frames, said)
    }

    #[library_benchmark(setup = BytesMut::with_capacity)]
    #[bench::b128(1 << 12)]
    fn write(mut out: BytesMut) -> BytesMut {
        let reply = Some("_INBOX.0011223344556677.0.411");
        let envelope = Envelope { subject: "jetlag.7a.0", reply, ..Envelope::default() };
        for _ in 0..TIMES {
            out.clear();
            words::message(black_box(&envelope), &[b'x'; 128], &mut out);
        }
        out
    }

    library_benchmark_group!(name = small_client, benchmarks = [read, write]);
    library_benchmark_group!(name = payload, benchmarks = [encode, decode]);
    library_benchmark_group!(name = journal, benchmarks = [begin_and_finish, begin_and_settle, append]);
    library_benchmark_group!(name = pace, benchmarks = [advance, draw, send_and_store]);
    library_benchmark_group!(name = partitioner, benchmarks = partition);
    library_benchmark_group!(name = histogram, benchmarks = record);
    library_benchmark_group!(name = verify, benchmarks = [judge, study]);

    gungraun::main!(library_benchmark_groups = [payload, small_client, journal, pace, partitioner, histogram, verify]);

    /// Counts, or does the work of one benchmark while valgrind counts.
    pub(crate) fn start() {
        main();
    }
}

/// Whether `program` can be started.
fn answers(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn main() {
    // Started by the runner, under valgrind: nothing of our own may come before the work.
    let under_valgrind = std::env::args().nth(1).is_some_and(|word| word == "--gungraun-run");
    let lacking = ["valgrind", "gungraun-runner"].into_iter().find(|program| !under_valgrind && !answers(program));
    match lacking {
        Some(program) => {
            println!("instructions: not counted, because `{program}` is not there; see scripts/instructions")
        }
        None => counted::start(),
    }
}
