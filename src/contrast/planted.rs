//! Groups of runs as they would be, for the tests of this room and of what shows a contrast.

use serde_json::json;

use super::Group;
use crate::model::digest::{Curves, Digest};
use crate::model::manifest::Environment;
use crate::model::promise::Promises;
use crate::model::reading::{Better, Reading, Scope, Stat};
use crate::model::report::{RunInfo, RunState};

/// Noise of the planted repeats, around 1: fixed, so that what is tested is the judge and not chance.
const NOISE: [f64; 8] = [1.0, 1.02, 0.985, 1.01, 0.99, 1.015, 0.98, 1.005];

/// `repeats` of a run whose latencies and gaps are `factor` times those of the usual one.
pub(crate) fn group(name: &str, repeats: usize, factor: f64) -> Group {
    let runs = (0..repeats).map(|n| (format!("{name}-{}", n + 1), digest(name, n, factor))).collect();
    Group { name: name.to_owned(), source: format!("runs/{name}"), runs }
}

fn digest(name: &str, n: usize, factor: f64) -> Digest {
    // Each name begins elsewhere in the noise, so that two groups are not the same numbers.
    let shift = name.bytes().map(usize::from).sum::<usize>();
    let noise = |step: usize| NOISE[(n * 3 + shift + step) % NOISE.len()];
    let reading = |metric: &str, stat: Stat, value: f64, unit: &str, scope: Scope| Reading {
        metric: metric.to_owned(),
        stat,
        value: Some((value * 1e3).round() / 1e3),
        unit: unit.to_owned(),
        better: if unit == "msg/s" { Better::Higher } else { Better::Lower },
        scope,
        n: 100,
        censored: false,
        histogram: None,
    };
    let kill = || Scope::FaultKind("kill".to_owned());
    let count = |metric: &str| reading(metric, Stat::Count, 0.0, "count", Scope::Run);
    let latency = |percentile: f64| 2.0 * factor * noise(1) / (1.0 - percentile / 100.0).max(0.001).powf(0.3);
    Digest {
        report: crate::model::report::SCHEMA.to_owned(),
        state: RunState::Complete,
        state_reasons: Vec::new(),
        run: RunInfo {
            id: format!("{name}{n:04}"),
            profile: "quick".to_owned(),
            question: "Does it hold?".to_owned(),
            variant: None,
            strategy: "lease-group".to_owned(),
            commit_mode: Some("checkpoint".to_owned()),
            command: "jetlag run quick".to_owned(),
            seed: 7,
            started: format!("2026-11-21T12:{n:02}:00Z"),
            partitions: 16,
            members: 4,
            lease_ttl_ms: Some(2_000.0),
            rate_per_s: Some(2_000.0),
            phases: Vec::new(),
        },
        promises: Promises { at_least_once: true, order_per_key: true, exclusive: true, owners: true, fenced: false },
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
            memory_bytes: 32 << 30,
            build: "release".to_owned(),
        },
        settings: json!({
            "load": { "rate": "2000/s" },
            "strategy": { "kind": "lease-group", "ttl": "2s" },
            "run": { "seed": 7, "repeat": 1 },
            "fault": [{ "kind": "kill", "at": "10s" }],
        }),
        readings: vec![
            reading("ordered_per_s", Stat::Value, 2_000.0 * noise(0), "msg/s", Scope::Run),
            reading("end_to_end", Stat::P50, 3.0 * factor * noise(1), "ms", Scope::Run),
            reading("end_to_end", Stat::P99, 20.0 * factor * noise(2), "ms", Scope::Run),
            count("order_violations"),
            count("lost"),
            reading("gap", Stat::Max, 1_900.0 * factor * noise(3), "ms", kill()),
            reading("cpu_per_million", Stat::Value, 31.0 * noise(4), "s", Scope::Process("server".to_owned())),
        ],
        curves: Curves {
            latency: [0.0, 50.0, 90.0, 99.0, 99.9, 100.0].map(|percentile| (percentile, latency(percentile))).to_vec(),
            ordered: (0..20u8).map(|second| (f64::from(second), 2_000.0 * noise(usize::from(second)))).collect(),
        },
    }
}

/// The two-sided p of two samples, for simulations that need no more.
pub(crate) fn p_value(base: &[f64], other: &[f64]) -> Option<f64> {
    super::rank::p_value(base, other)
}

/// Whether `other` is greater by more than a share, and the interval of this confidence says so too.
pub(crate) fn is_greater(base: &[f64], other: &[f64], share: f64, confidence: f64) -> bool {
    let effect = super::bootstrap::effect(base, other, confidence);
    effect.is_some_and(|effect| effect.ratio > 1.0 + share && effect.ratio_interval.0 > 1.0)
}
