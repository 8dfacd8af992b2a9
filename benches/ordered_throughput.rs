//! How many messages a second are handled in order, end to end: publishers, server and members as processes, as fast as
//! they can, for both strategies. `lease-group` is measured in both its commit modes: with `explicit` it acknowledges
//! every message, as `shared-pull` does, which is the fair comparison; `checkpoint` is its default.
//!
//! `cargo bench --bench ordered_throughput`
//!
//! A sample is one run, on a server of its own, of which the reading `ordered_per_s` is taken; criterion is told the
//! time per message handled in order, and shows the rate beside it. However many iterations it asks for, the sample stays one
//! run: a message of a run is an iteration.
//!
//! Measured 2026-11-21 on a 2 vCPU VM, shared with compilers at work (load 4–7), nats-server 2.15.1, in two passes: messages
//! handled in order a second, `lease-group` 67,000–106,000 with checkpoints and 54,000–66,000 with explicit acks, `shared-pull`
//! 41,000–52,000 in the first pass and 76,000–88,000 in the second. Strategies are measured one after the other, and
//! minutes of a shared machine differ by more than strategies do: the ratio is to be had from interleaved runs. In one batch
//! of four rounds, in turn, with this window: 119,000 and 82,000 for `lease-group`, 86,000 for `shared-pull`, that is 1.39
//! and 0.95 to 1; but `shared-pull` handled 96,000, so at equal commit mode order cost a factor of 1.18.

#[path = "live/stage.rs"]
mod stage;

use std::process::ExitCode;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use jetlag::model::reading::{Scope, Stat};
use stage::Stage;

/// Short: what is to be seen here shows within seconds, and there are many runs.
const PROFILE: &str = r#"
[run]
warm-up = "500ms"
measure = "2s"
drain = "30s"

[stream]
partitions = 16

[load]
publishers = 2
rate = "max"
# Both windows together: as many reply subjects as the server keeps in its cache, or it would be measured missing it.
window = 256
keys = 10000

[fleet]
members = 4
handler = "none"
"#;

const STRATEGIES: [(&str, &[&str]); 3] = [
    ("lease-group, checkpoint", &["strategy.kind=lease-group", "strategy.commit=checkpoint"]),
    ("lease-group, explicit", &["strategy.kind=lease-group", "strategy.commit=explicit"]),
    ("shared-pull, explicit", &["strategy.kind=shared-pull"]),
];

fn ordered_throughput(criterion: &mut Criterion, stage: &Stage) {
    let mut group = criterion.benchmark_group("ordered throughput");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        // One run is warm-up enough.
        .warm_up_time(Duration::from_millis(1))
        // More than ten runs take and less than twenty: criterion would complain that one iteration a sample is few.
        .measurement_time(Duration::from_secs(45))
        .throughput(Throughput::Elements(1));
    for (name, sets) in STRATEGIES {
        let mut seed = 0;
        group.bench_function(name, |bench| {
            bench.iter_custom(|messages| {
                let plan = || {
                    seed += 1;
                    let sets = sets.iter().map(|set| (*set).to_owned());
                    stage::plan(PROFILE, &sets.chain([format!("run.seed={seed}")]).collect::<Vec<_>>())
                };
                let per_s = stage.measure(plan, "ordered_per_s", Stat::Value, &Scope::Run);
                Duration::from_secs_f64(messages as f64 / per_s)
            });
        });
    }
    group.finish();
}

fn main() -> ExitCode {
    stage::play(|stage| {
        let mut criterion = Criterion::default().configure_from_args();
        ordered_throughput(&mut criterion, stage);
        criterion.final_summary();
    })
}
