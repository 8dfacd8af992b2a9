//! Reports as runs would make them, for the tests of every format: whole, violated, vast, without owners, cut off, empty.

use serde_json::json;

use crate::metric;
use crate::model::bank::{Bank, Repeats, Store, Write};
use crate::model::manifest::Environment;
use crate::model::promise::Promises;
use crate::model::reading::{Better, Reading, Scope, Stat};
use crate::model::report::*;
use crate::model::story::Phase;

/// What a sample shall look like.
pub(crate) struct Shape {
    pub strategy: &'static str,
    pub owners: bool,
    pub partitions: u16,
    pub members: u16,
    pub seconds: u32,
    /// (second, kind, member number)
    pub faults: Vec<(f64, &'static str, u16)>,
}

/// The default run: 16 partitions, 4 members, and a fifth that joins.
pub(crate) fn quick() -> Report {
    build(&Shape {
        strategy: "lease-group",
        owners: true,
        partitions: 16,
        members: 4,
        seconds: 50,
        faults: vec![(12.0, "kill", 2), (20.0, "restart", 2), (27.0, "leave", 3), (28.2, "join", 5), (29.0, "kill", 1)],
    })
}

/// A run whose promise was broken: violations of several kinds and an overlap.
pub(crate) fn violated() -> Report {
    let mut report = quick();
    report.state = RunState::Violated;
    report.state_reasons = vec!["order per key was promised and broken 12 times".to_owned()];
    let kinds = ["regressed", "skipped", "late", "lost", "stale_handling", "overlap"];
    for number in 0..60u32 {
        let kind = kinds[(number % 6) as usize];
        report.violations.push(Violation {
            kind: kind.to_owned(),
            promised: kind != "late",
            at_ms: 14_000.0 + f64::from(number) * 37.0,
            partition: (2 + 4 * (number % 3)) as u16,
            key: Some(number * 7),
            key_seq: Some(100 + number),
            stream_seq: Some(51_200 + u64::from(number)),
            members: vec!["c2.1".to_owned(), "c4.1".to_owned()],
            epochs: vec![1, 2],
            distance: Some(u64::from(number)),
            fault: Some(0),
            story: format!(
                "key {} went back from 140 to {} at c4.1 <after> the takeover & \"resume\"",
                number * 7,
                100 + number
            ),
        });
    }
    report.figures.ownership.push(OwnershipSpan {
        partition: 6,
        owner: "c2.1".to_owned(),
        epoch: 1,
        from_ms: 13_900.0,
        to_ms: 15_400.0,
        end: OwnershipEnd::Expired,
    });
    for point in report.figures.throughput.iter_mut().filter(|point| (14_000.0..17_000.0).contains(&point.at_ms)) {
        point.violations = 20;
    }
    set(&mut report, "order_violations", 48.0);
    set(&mut report, "skipped", 24.0);
    set(&mut report, "regressed", 24.0);
    set(&mut report, "lost", 10.0);
    set(&mut report, "overlap", 10.0);
    report
}

/// 256 partitions and 64 members, with many faults.
pub(crate) fn vast() -> Report {
    let kinds = ["kill", "restart", "leave", "join"];
    let faults =
        (0..60u16).map(|number| (8.0 + f64::from(number) * 9.3, kinds[usize::from(number) % 4], number * 2 % 64 + 1));
    build(&Shape {
        strategy: "lease-group",
        owners: true,
        partitions: 256,
        members: 64,
        seconds: 600,
        faults: faults.collect(),
    })
}

/// A strategy that has no owners and promises no order.
pub(crate) fn shared() -> Report {
    let mut report = build(&Shape {
        strategy: "shared-pull",
        owners: false,
        partitions: 16,
        members: 4,
        seconds: 50,
        faults: vec![(12.0, "kill", 2), (20.0, "restart", 2), (30.0, "leave", 3), (40.0, "join", 5)],
    });
    report.run.lease_ttl_ms = None;
    for (number, point) in report.figures.throughput.iter_mut().enumerate().skip(6).step_by(3) {
        point.violations = 40 + number as u64;
        point.ordered = point.ordered.saturating_sub(300);
    }
    for number in 0..40u32 {
        report.violations.push(Violation {
            kind: "skipped".to_owned(),
            promised: false,
            at_ms: 7_000.0 + f64::from(number) * 900.0,
            partition: (number * 7 % 16) as u16,
            key: Some(number),
            key_seq: Some(9),
            stream_seq: Some(1000),
            members: vec!["c1.1".to_owned()],
            epochs: vec![],
            distance: Some(3),
            fault: None,
            story: "3 messages of key 9 were passed over".to_owned(),
        });
    }
    set(&mut report, "order_violations", 4123.0);
    set(&mut report, "skipped", 2100.0);
    set(&mut report, "late", 2023.0);
    // One message that the killed member held waits for the ack wait, and nothing stands still.
    for reading in report.readings.iter_mut().filter(|reading| reading.metric == "stranded") {
        reading.value = reading.value.map(|ms| if ms > 1e3 { 5_012.0 } else { ms });
    }
    for gap in report.faults.iter_mut().flat_map(|fault| &mut fault.partitions) {
        gap.gap_ms = gap.gap_ms.map(|ms| ms.min(2.15));
    }
    report
}

/// Accounts that went wrong.
pub(crate) fn ledger() -> Report {
    let mut report = shared();
    let step = |key_seq: u32, amount: i32, balance: i64, balance_in_order: i64, ruling: Ruling| AccountStep {
        at_ms: 12_000.0 + f64::from(key_seq) * 350.0,
        member: format!("c{}.1", key_seq % 3),
        key_seq,
        amount,
        balance,
        balance_in_order,
        ruling,
        fault: Some(0),
        left_out: if key_seq == 40 { 39 } else { 0 },
    };
    let story = AccountStory {
        account: 7,
        partition: 3,
        messages: 120,
        balance: Some(-108),
        balance_in_order: 2,
        overdrafts: 9,
        doubly_applied: 0,
        not_applied: 1,
        overwritten: 0,
        story: "it was left below zero 9 ×; 1 message not applied".to_owned(),
        steps: vec![
            step(40, 70, 70, 70, Ruling::InOrder),
            step(42, -110, -40, 0, Ruling::Early),
            step(41, 40, -40, 110, Ruling::Dropped),
            step(42, -110, -40, 0, Ruling::Repeat),
        ],
        left_out_after: 78,
    };
    let bank = Bank { store: Store::Kv, write: Write::CompareAndSet, repeats: Repeats::Skip };
    report.accounts = Some(Accounts { bank, worst: vec![story] });
    for (metric, value) in [("accounts", 16.0), ("overdrafts", 9.0), ("wrong_balances", 1.0), ("not_applied", 1.0)] {
        set(&mut report, metric, value);
    }
    report
}

/// Stopped after a second.
pub(crate) fn interrupted() -> Report {
    let mut report =
        build(&Shape { strategy: "lease-group", owners: true, partitions: 4, members: 2, seconds: 1, faults: vec![] });
    report.state = RunState::Interrupted;
    report.state_reasons = vec!["Ctrl-C after 1.1 s".to_owned()];
    report.readings.retain(|reading| ["ordered_per_s", "lost", "unhandled"].contains(&reading.metric.as_str()));
    set(&mut report, "unhandled", 12.0);
    for reading in report.readings.iter_mut().filter(|reading| reading.metric == "lost") {
        (reading.value, reading.censored) = (None, true);
    }
    report.figures.latency.truncate(1);
    report.figures.throughput.truncate(1);
    report.figures.backlog.truncate(1);
    report.figures.latency_distribution.truncate(1);
    report
}

/// A run whose load generator was starved: whole, and not to be trusted.
pub(crate) fn starved() -> Report {
    let mut report = quick();
    report.state = RunState::Invalid;
    report.state_reasons = vec!["the load generator was starved".to_owned()];
    report
}

/// A run that recorded nothing at all.
pub(crate) fn empty() -> Report {
    let mut report = interrupted();
    report.state = RunState::Invalid;
    report.state_reasons = vec!["the server died: signal 9".to_owned()];
    report.figures = Figures::default();
    report.readings.clear();
    report.run.phases.clear();
    report.run.partitions = 0;
    report
}

/// Every number that may be none, is none.
pub(crate) fn nonsense() -> Report {
    let mut report = quick();
    let nan = f64::NAN;
    for reading in &mut report.readings {
        reading.value = Some(nan);
    }
    for fault in &mut report.faults {
        (fault.at_ms, fault.window_end_ms) = (nan, f64::INFINITY);
        for gap in &mut fault.partitions {
            (gap.gap_ms, gap.gap_before_ms) = (Some(nan), Some(f64::NEG_INFINITY));
        }
    }
    for point in &mut report.figures.latency {
        (point.p50_ms, point.p99_ms, point.max_ms) = (nan, f64::INFINITY, -1.0);
    }
    for span in &mut report.figures.ownership {
        (span.from_ms, span.to_ms) = (nan, f64::INFINITY);
    }
    for silence in &mut report.figures.silences {
        (silence.from_ms, silence.to_ms) = (1e18, nan);
    }
    for phase in &mut report.run.phases {
        phase.to_ms = nan;
    }
    report.figures.latency_distribution = vec![(nan, nan), (50.0, 1e300), (100.0, -5.0)];
    report.run.lease_ttl_ms = Some(nan);
    report.run.rate_per_s = Some(nan);
    report
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("quick", quick()),
        ("violated", violated()),
        ("vast", vast()),
        ("shared", shared()),
        ("ledger", ledger()),
        ("interrupted", interrupted()),
        ("starved", starved()),
        ("empty", empty()),
        ("nonsense", nonsense()),
    ]
}

fn set(report: &mut Report, metric: &str, value: f64) {
    match report.readings.iter_mut().find(|reading| reading.metric == metric) {
        Some(reading) => reading.value = Some(value),
        None => report.readings.push(reading(metric, Stat::Count, value, "count", Scope::Run)),
    }
}

fn reading(metric: &str, stat: Stat, value: f64, unit: &str, scope: Scope) -> Reading {
    Reading {
        metric: metric.to_owned(),
        stat,
        value: Some(value),
        unit: unit.to_owned(),
        better: Better::None,
        scope,
        n: 97_312,
        censored: false,
        histogram: None,
    }
}

/// Repeatable noise between 0 and 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 31)
    }
}

/// The fleet as the faults move it.
struct Fleet {
    noise: Noise,
    lives: Vec<u32>,
    alive: Vec<u16>,
    owned: Vec<(u16, f64, u32)>,
    spans: Vec<OwnershipSpan>,
    silences: Vec<Silence>,
}

const TTL: f64 = 2_000.0;

impl Fleet {
    fn name(&self, member: u16) -> String {
        format!("c{member}.{}", self.lives[usize::from(member)])
    }

    fn close(&mut self, partition: u16, to_ms: f64, end: OwnershipEnd) {
        let (member, from_ms, epoch) = self.owned[usize::from(partition)];
        let owner = self.name(member);
        self.spans.push(OwnershipSpan { partition, owner, epoch, from_ms, to_ms, end });
    }

    fn load(&self, member: u16) -> usize {
        self.owned.iter().filter(|(owner, ..)| *owner == member).count()
    }

    fn least(&self) -> u16 {
        self.alive.iter().copied().min_by_key(|member| self.load(*member)).unwrap_or(0)
    }

    fn gap(&mut self, fault: u32, partition: u16, at_ms: f64, kind: &str) -> PartitionGap {
        let graceful = kind != "kill";
        let detect = if graceful { 4.0 } else { TTL - 180.0 * self.noise.next() };
        let claim = 6.0 + 20.0 * self.noise.next();
        let (resume, first) = (5.0 + 9.0 * self.noise.next(), 1.0 + 3.0 * self.noise.next());
        let gap = detect + claim + resume + first;
        let end = if graceful { OwnershipEnd::Released } else { OwnershipEnd::Died };
        self.close(partition, at_ms, end);
        let epoch = self.owned[usize::from(partition)].2 + 1;
        let next = self.least();
        self.owned[usize::from(partition)] = (next, at_ms + detect + claim, epoch);
        if gap > 40.0 || self.noise.next() > 0.5 {
            let (from_ms, to_ms) = (at_ms, at_ms + gap);
            self.silences.push(Silence { partition, from_ms, to_ms, fault: Some(fault) });
        }
        PartitionGap {
            partition,
            affected: true,
            gap_ms: Some(gap),
            gap_before_ms: Some(6.0 + 12.0 * self.noise.next()),
            arrival_interval_ms: Some(8.0),
            phases: Some(TakeoverPhases {
                detect_ms: Some(detect),
                claim_ms: Some(claim),
                resume_ms: Some(resume),
                first_handled_ms: Some(first),
            }),
        }
    }

    fn strike(&mut self, fault: u32, at_ms: f64, kind: &str, member: u16) -> (String, Vec<PartitionGap>) {
        let moved: Vec<u16> = if matches!(kind, "kill" | "leave") {
            self.alive.retain(|alive| *alive != member);
            (0..self.owned.len() as u16).filter(|partition| self.owned[usize::from(*partition)].0 == member).collect()
        } else {
            if kind == "restart" {
                self.lives[usize::from(member)] += 1;
            }
            self.alive.push(member);
            let share = self.owned.len() / self.alive.len();
            let mut moved: Vec<u16> = Vec::new();
            for partition in 0..self.owned.len() as u16 {
                let owner = self.owned[usize::from(partition)].0;
                if moved.len() < share && usize::from(partition).is_multiple_of(self.alive.len()) && owner != member {
                    moved.push(partition);
                }
            }
            moved
        };
        let struck = self.name(member);
        let gaps = (0..self.owned.len() as u16)
            .map(|partition| {
                if moved.contains(&partition) {
                    return self.gap(fault, partition, at_ms, kind);
                }
                PartitionGap {
                    partition,
                    affected: false,
                    gap_ms: (self.noise.next() > 0.1).then(|| 5.0 + 14.0 * self.noise.next()),
                    gap_before_ms: Some(6.0 + 12.0 * self.noise.next()),
                    arrival_interval_ms: Some(8.0),
                    phases: None,
                }
            })
            .collect();
        (struck, gaps)
    }
}

fn build(shape: &Shape) -> Report {
    let members = shape.members;
    let mut fleet = Fleet {
        noise: Noise(7),
        lives: vec![1; usize::from(members) + 10],
        alive: (1..=members).collect(),
        owned: (0..shape.partitions).map(|partition| (partition % members + 1, 900.0, 1)).collect(),
        spans: Vec::new(),
        silences: Vec::new(),
    };
    let end_ms = f64::from(shape.seconds) * 1e3;
    let mut faults: Vec<FaultReport> = Vec::new();
    for (id, (second, kind, member)) in shape.faults.iter().enumerate() {
        let at_ms = second * 1e3;
        let (struck, partitions) = fleet.strike(id as u32, at_ms, kind, *member);
        let next = shape.faults.get(id + 1).map_or(end_ms, |(second, ..)| second * 1e3);
        faults.push(FaultReport {
            id: id as u32,
            kind: (*kind).to_owned(),
            target: format!("c{member}"),
            struck: vec![struck],
            delivered_ms: None,
            observed_ms: None,
            passed_ms: None,
            at_ms,
            window_end_ms: next.min(at_ms + 4_000.0),
            censored: next < at_ms + 2_500.0,
            partitions,
        });
    }
    for partition in 0..shape.partitions {
        fleet.close(partition, end_ms - 150.0, OwnershipEnd::Open);
    }
    fleet.silences.sort_by(|one, other| (other.to_ms - other.from_ms).total_cmp(&(one.to_ms - one.from_ms)));
    let spans = if shape.owners { std::mem::take(&mut fleet.spans) } else { Vec::new() };
    let figures = figures(shape, spans, std::mem::take(&mut fleet.silences), &mut fleet.noise);
    let promises = Promises {
        at_least_once: true,
        order_per_key: shape.owners,
        exclusive: shape.owners,
        owners: shape.owners,
        fenced: false,
    };
    Report {
        hazards: metric::hazard::found(&readings(), promises),
        notes: Vec::new(),
        schema: SCHEMA.to_owned(),
        state: RunState::Complete,
        state_reasons: Vec::new(),
        run: run_info(shape, end_ms),
        promises,
        stored_truth: None,
        readings: readings(),
        faults,
        violations: Vec::new(),
        explanations: Vec::new(),
        accounts: None,
        figures,
        environment: Environment {
            jetlag_version: "0.1.0".to_owned(),
            jetlag_commit: None,
            server_version: "2.12.8".to_owned(),
            server_embedded: true,
            server_nodes: 1,
            os: "Debian GNU/Linux 12".to_owned(),
            kernel: "6.1.0".to_owned(),
            cpu: "AMD EPYC 7B13".to_owned(),
            cores: 8,
            memory_bytes: 33_554_432_000,
            build: "release".to_owned(),
        },
        settings: json!({ "fleet": { "members": members }, "load": { "rate": "2000/s", "keys": 1000 } }),
    }
}

fn run_info(shape: &Shape, end_ms: f64) -> RunInfo {
    let span = |phase, from_ms: f64, to_ms: f64| PhaseSpan { phase, from_ms, to_ms };
    RunInfo {
        commit_mode: None,
        id: "0199f2a4c7".to_owned(),
        profile: "quick".to_owned(),
        question: "What does it cost to keep order while consumers crash, return, leave and join?".to_owned(),
        variant: None,
        strategy: shape.strategy.to_owned(),
        command: "jetlag run quick --set fleet.members=4".to_owned(),
        seed: 42,
        started: "2026-11-21T21:20:06Z".to_owned(),
        partitions: shape.partitions,
        members: shape.members,
        lease_ttl_ms: Some(TTL),
        rate_per_s: Some(2_000.0),
        phases: vec![
            span(Phase::Provision, 0.0, 900.0_f64.min(end_ms)),
            span(Phase::WarmUp, 900.0, 5_000.0_f64.min(end_ms)),
            span(Phase::Measure, 5_000.0_f64.min(end_ms), (end_ms - 3_000.0).max(900.0)),
            span(Phase::Drain, (end_ms - 3_000.0).max(900.0), end_ms),
        ],
    }
}

fn figures(shape: &Shape, ownership: Vec<OwnershipSpan>, silences: Vec<Silence>, noise: &mut Noise) -> Figures {
    let mut figures = Figures { ownership, silences, ..Figures::default() };
    let mut waiting = 0.0;
    for second in 1..shape.seconds {
        let at_ms = f64::from(second) * 1e3;
        let loaded = second + 3 < shape.seconds;
        let offered = if loaded { 2_000.0 } else { 0.0 };
        let still =
            shape.faults.iter().any(|(at, kind, _)| *kind == "kill" && (0.0..2.0).contains(&(f64::from(second) - at)));
        let handled: f64 = if still { offered * 0.75 } else { offered + f64::min(waiting, 900.0) };
        waiting = (waiting + offered - handled).max(0.0);
        let count = |value: f64, noise: &mut Noise| (value * (0.995 + 0.01 * noise.next())) as u64;
        figures.throughput.push(ThroughputPoint {
            seconds: 1,
            at_ms,
            offered: offered as u64,
            stored: count(offered, noise),
            handled: count(handled, noise),
            ordered: count(handled * 0.998, noise),
            violations: 0,
        });
        let base = 2.0 + noise.next();
        let p99_ms = if still { 1_900.0 } else { base * 3.5 };
        figures.latency.push(LatencyPoint {
            seconds: 1,
            at_ms,
            n: handled as u64,
            p50_ms: base,
            p99_ms,
            max_ms: p99_ms * (1.2 + noise.next()),
            bin_first: 32,
            bins: vec![handled as u64 / 2, handled as u64 / 3, u64::from(still), 0, 3],
        });
        for quarter in 0..4 {
            let at_ms = at_ms + f64::from(quarter) * 250.0;
            figures.backlog.push(BacklogPoint { at_ms, messages: (waiting + 20.0 * noise.next()) as u64 });
        }
    }
    figures.latency_distribution =
        [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.0, 98.0, 99.0, 99.5, 99.9, 99.99, 99.999, 100.0]
            .into_iter()
            .enumerate()
            .map(|(index, percentile)| (percentile, 1.1 * 1.72_f64.powi(index as i32)))
            .collect();
    let consumers = (1..=shape.members).map(|member| format!("c{member}.1"));
    for process in ["server-0", "driver", "p0.1", "p1.1"].into_iter().map(str::to_owned).chain(consumers) {
        let (cpu, memory) = match process.as_str() {
            "server-0" => (62.0, 48.0),
            "driver" => (3.0, 22.0),
            other if other.starts_with('p') => (12.0, 14.0),
            _ => (8.0, 11.0),
        };
        let points = (1..shape.seconds).map(|second| ResourcePoint {
            at_ms: f64::from(second) * 1e3,
            cpu_percent: cpu * (0.8 + 0.4 * noise.next()),
            memory_mib: memory + f64::from(second) * 0.2 + noise.next(),
        });
        figures.resources.push(ResourceSeries { process, points: points.collect() });
    }
    figures
}

fn readings() -> Vec<Reading> {
    let run = |metric: &str, stat, value, unit: &str| reading(metric, stat, value, unit, Scope::Run);
    vec![
        run("offered_per_s", Stat::Value, 2_003.7, "msg/s"),
        run("ordered_per_s", Stat::Value, 1_987.4, "msg/s"),
        run("handled_per_s", Stat::Value, 1_991.0, "msg/s"),
        run("stored_per_s", Stat::Value, 1_999.2, "msg/s"),
        run("end_to_end", Stat::P50, 2.412, "ms"),
        run("end_to_end", Stat::P99, 1_732.0, "ms"),
        run("end_to_end", Stat::P999, 2_015.0, "ms"),
        run("end_to_end", Stat::Max, 2_103.4, "ms"),
        run("handled", Stat::Count, 97_312.0, "count"),
        run("order_violations", Stat::Count, 0.0, "count"),
        run("skipped", Stat::Count, 0.0, "count"),
        run("late", Stat::Count, 0.0, "count"),
        run("regressed", Stat::Count, 0.0, "count"),
        run("lost", Stat::Count, 0.0, "count"),
        run("unhandled", Stat::Count, 0.0, "count"),
        run("redelivered", Stat::Count, 214.0, "count"),
        run("overlap", Stat::Count, 0.0, "count"),
        run("schedule_lag", Stat::P99, 0.081, "ms"),
        run("schedule_lag", Stat::Max, 1.9, "ms"),
        reading("cpu_per_million", Stat::Value, 31.2, "s", Scope::Process("server".to_owned())),
        reading("cpu_per_million", Stat::Value, 12.9, "s", Scope::Process("consumers".to_owned())),
        reading("cpu_per_million", Stat::Value, 9.4, "s", Scope::Process("publishers".to_owned())),
        reading("cpu_per_million", Stat::Value, 0.6, "s", Scope::Process("driver".to_owned())),
        reading("gap", Stat::Max, 2_012.0, "ms", Scope::FaultKind("kill".to_owned())),
        reading("stranded", Stat::Value, 2_001.0, "ms", Scope::Fault(0)),
        reading("stranded", Stat::Max, 2_001.0, "ms", Scope::FaultKind("kill".to_owned())),
        reading("stranded_messages", Stat::Count, 7.0, "count", Scope::FaultKind("kill".to_owned())),
        reading("stranded_messages", Stat::Count, 0.0, "count", Scope::FaultKind("leave".to_owned())),
        reading("stranded", Stat::Max, 1.3, "ms", Scope::FaultKind("join".to_owned())),
        reading("stranded_messages", Stat::Count, 2.0, "count", Scope::FaultKind("join".to_owned())),
    ]
}
