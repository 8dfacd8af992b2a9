//! For how long the partitions of a member stand still when it is killed (SIGKILL), beside the same when it leaves in good
//! order: 4 members, 8 partitions, leases of 1 s, 10,000 messages a second.
//!
//! `cargo bench --bench rebalance_gap`
//!
//! A sample is one run with one fault, on a server of its own, of which the worst `gap` of an affected partition is taken,
//! in milliseconds of the run and not of the bench. The instant of the fault shifts from run to run against the
//! renewals of the leases: a crash right after a renewal is the longest wait. However many iterations criterion asks for, the
//! sample stays one run.
//!
//! Measured 2026-11-21 on a 2 vCPU VM, shared with compilers at work (load 7), nats-server 2.15.1: kill 953–982 ms, leave
//! 0.6–1.5 ms; some 900 to 1 in one run of this bench.

#[path = "live/stage.rs"]
mod stage;

use std::process::ExitCode;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{Criterion, SamplingMode, Throughput};
use jetlag::model::reading::{Scope, Stat};
use stage::Stage;

const PROFILE: &str = r#"
[run]
warm-up = "1s"
measure = "2500ms"
drain = "10s"

[stream]
partitions = 8

[load]
publishers = 1
# A graceful handover takes a few milliseconds: messages come often enough for one to wait meanwhile.
rate = "10000/s"

[fleet]
members = 4
handler = "none"

[strategy]
kind = "lease-group"
ttl = "1s"

# The gap is the group's: a generator that a busy machine holds up does not change it.
[limits]
schedule-lag-p99 = "1s"

[[fault]]
kind = "FAULT"
target = "random"
from = "500ms"
every = "10s"
times = 1
jitter = "400ms"
"#;

const FAULTS: [&str; 2] = ["kill", "leave"];

/// Milliseconds, read from a report: no clock runs while a bench does.
struct Milliseconds;

impl Measurement for Milliseconds {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, left: &f64, right: &f64) -> f64 {
        left + right
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, milliseconds: &f64) -> f64 {
        *milliseconds
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Milliseconds {
    fn scale_values(&self, _typical: f64, _values: &mut [f64]) -> &'static str {
        "ms"
    }

    fn scale_throughputs(&self, _typical: f64, _throughput: &Throughput, _values: &mut [f64]) -> &'static str {
        "ms"
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "ms"
    }
}

fn rebalance_gap(criterion: &mut Criterion<Milliseconds>, stage: &Stage) {
    let mut group = criterion.benchmark_group("rebalance gap");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        // One run is warm-up enough.
        .warm_up_time(Duration::from_millis(1))
        // More than ten runs take and less than twenty: criterion would complain that one iteration a sample is few.
        .measurement_time(Duration::from_secs(45));
    for kind in FAULTS {
        let profile = PROFILE.replace("FAULT", kind);
        let scope = Scope::FaultKind(kind.to_owned());
        let mut seed = 0;
        group.bench_function(kind, |bench| {
            bench.iter_custom(|iterations| {
                let plan = || {
                    seed += 1;
                    stage::plan(&profile, &[format!("run.seed={seed}")])
                };
                stage.measure(plan, "gap", Stat::Max, &scope) * iterations as f64
            });
        });
    }
    group.finish();
}

fn main() -> ExitCode {
    stage::play(|stage| {
        let mut criterion = Criterion::default().with_measurement(Milliseconds).configure_from_args();
        rebalance_gap(&mut criterion, stage);
        criterion.final_summary();
    })
}
