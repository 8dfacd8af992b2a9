//! What the processes used: processor and memory, from the driver's samples.

use std::collections::BTreeMap;

use super::findings::ProcessUse;
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::report::{ResourcePoint, ResourceSeries};
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};

/// Not more points a process than this, and not closer than [`CLOSEST`].
const POINTS: u64 = 300;
const CLOSEST: SpanNs = SpanNs(250_000_000);

/// One reading of one process.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: MonoNs,
    cpu_ns: u64,
    memory_bytes: u64,
}

/// Samples by process, in the order of the story.
fn samples(history: &History) -> BTreeMap<&str, Vec<Sample>> {
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for line in &history.story {
        if let StoryEvent::Sample { process, cpu_ns, memory_bytes } = &line.event {
            let sample = Sample { at: line.at, cpu_ns: *cpu_ns, memory_bytes: *memory_bytes };
            samples.entry(process).or_default().push(sample);
        }
    }
    samples
}

/// The kind of a process by its name.
fn kind_of(process: &str) -> &'static str {
    match process.as_bytes().first() {
        Some(b's') => "server",
        Some(b'p') => "publishers",
        Some(b'c') => "consumers",
        Some(b'r') => "relay",
        _ => "driver",
    }
}

/// Use of each kind of process over the measure phase. `handled` messages are what it was used for.
///
/// Processor time of one process: its last sample at or before the end of the phase less its last one at or before
/// the beginning (nothing when it was started later).
pub(super) fn processes(history: &History, timeline: &Timeline, handled: u64) -> Vec<ProcessUse> {
    let mut uses: BTreeMap<&'static str, ProcessUse> = BTreeMap::new();
    let measure = timeline.measure();
    for (process, samples) in samples(history) {
        let kind = kind_of(process);
        let of_kind = uses.entry(kind).or_insert_with(|| ProcessUse { kind, ..ProcessUse::default() });
        let memory_max = samples.iter().map(|sample| sample.memory_bytes).max().unwrap_or(0);
        of_kind.processes += 1;
        of_kind.memory_max_bytes = of_kind.memory_max_bytes.max(memory_max);
        if let Some((from, to)) = measure {
            of_kind.cpu = SpanNs(of_kind.cpu.0.saturating_add(used(&samples, from, to)));
        }
    }
    for of_kind in uses.values_mut() {
        of_kind.cpu_s_per_million =
            (measure.is_some() && handled > 0).then(|| of_kind.cpu.as_s() / handled as f64 * 1e6);
    }
    uses.into_values().collect()
}

/// Processor time between two instants. A server that was started again counts from nothing once more.
fn used(samples: &[Sample], from: MonoNs, to: MonoNs) -> u64 {
    let (mut used, mut before) = (0_u64, 0_u64);
    for sample in samples.iter().take_while(|sample| sample.at <= to) {
        let since = sample.cpu_ns.checked_sub(before).unwrap_or(sample.cpu_ns);
        if sample.at > from {
            used = used.saturating_add(since);
        }
        before = sample.cpu_ns;
    }
    used
}

/// Use over time, a series a process, thinned.
pub(super) fn series(history: &History, timeline: &Timeline) -> Vec<ResourceSeries> {
    let step = SpanNs((timeline.end.since(timeline.zero).0 / POINTS).max(CLOSEST.0));
    let of_process = |(process, samples): (&str, Vec<Sample>)| {
        let mut points = Vec::new();
        let mut last: Option<Sample> = None;
        for sample in samples.into_iter().filter(|sample| sample.at <= timeline.end) {
            let Some(before) = last else {
                last = Some(sample);
                continue;
            };
            let span = sample.at.since(before.at);
            // Half a step of slack, so that samples taken a step apart are not halved by jitter.
            if span.0 < step.0 / 2 || span.0 == 0 {
                continue;
            }
            let cpu = sample.cpu_ns.saturating_sub(before.cpu_ns);
            points.push(ResourcePoint {
                at_ms: timeline.ms(sample.at),
                cpu_percent: (cpu as f64 / span.0 as f64 * 1e5).round() / 1e3,
                memory_mib: (sample.memory_bytes as f64 / f64::from(1 << 20) * 1e3).round() / 1e3,
            });
            last = Some(sample);
        }
        ResourceSeries { process: process.to_owned(), points }
    };
    samples(history).into_iter().map(of_process).collect()
}
