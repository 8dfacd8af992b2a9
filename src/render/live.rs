//! A run while it goes on, in the text format of OpenMetrics 1.0. Names, units and labels are those of `openmetrics.txt` where
//! the same is meant; what only grows is a counter here.

use std::fmt::Write as _;

use super::openmetrics::label;
use crate::model::live::{About, Live, Progress};
use crate::model::story::Phase;

/// What to say of the content (`Content-Type`).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PHASES: [(Phase, &str); 4] =
    [(Phase::Provision, "provision"), (Phase::WarmUp, "warm-up"), (Phase::Measure, "measure"), (Phase::Drain, "drain")];

/// The text. What is not known yet is left out.
#[must_use]
pub fn openmetrics(live: &Live) -> String {
    let mut out = String::new();
    let about = live.about.clone().unwrap_or_default();
    let labels = labels(&about);
    if live.about.is_some() {
        let versions = [("jetlag_version", &about.jetlag_version), ("server_version", &about.server_version)];
        let versions: String = versions.iter().map(|(name, value)| label(name, value)).collect();
        let seed = label("seed", &about.seed.to_string());
        head(&mut out, "jetlag_run", "info", "", "What is run.");
        sample(&mut out, "jetlag_run_info", &labels, &format!("{seed}{versions}"), 1.0);
    }
    if let Some(progress) = &live.progress {
        phases(&mut out, &labels, progress);
        rates(&mut out, &labels, progress);
        latency(&mut out, &labels, progress);
        counts(&mut out, &labels, progress, live.has_owners);
        head(&mut out, "jetlag_faults", "counter", "", "Faults that have struck.");
        for (kind, count) in &live.faults {
            sample(&mut out, "jetlag_faults_total", &labels, &label("fault_kind", kind), *count as f64);
        }
        if let Some((kind, until)) = &progress.next_fault {
            head(&mut out, "jetlag_next_fault_seconds", "gauge", "seconds", "How long until the next fault strikes.");
            sample(&mut out, "jetlag_next_fault_seconds", &labels, &label("fault_kind", kind), until.as_secs_f64());
        }
    }
    out.push_str("# EOF\n");
    out
}

fn phases(out: &mut String, labels: &str, progress: &Progress) {
    head(out, "jetlag_phase", "stateset", "", "Which phase the run is in.");
    for (phase, name) in PHASES {
        let is_it = f64::from(u8::from(progress.phase == Some(phase)));
        sample(out, "jetlag_phase", labels, &label("jetlag_phase", name), is_it);
    }
    head(out, "jetlag_elapsed_seconds", "gauge", "seconds", "Time since the load began.");
    sample(out, "jetlag_elapsed_seconds", labels, "", progress.elapsed.as_secs_f64());
    head(
        out,
        "jetlag_planned_seconds",
        "gauge",
        "seconds",
        "Time from the start of the load to the end of the measure phase.",
    );
    sample(out, "jetlag_planned_seconds", labels, "", progress.planned.as_secs_f64());
}

/// Rates of the last second; `scope` and `stat` as reports have them.
fn rates(out: &mut String, labels: &str, progress: &Progress) {
    let rates = [
        ("offered", progress.offered_per_s, "Messages that the schedule wants, a second."),
        ("stored", Some(progress.stored_per_s), "Messages stored in the last second."),
        ("handled", Some(progress.handled_per_s), "Messages handled in the last second."),
    ];
    for (id, rate, help) in rates {
        let Some(rate) = rate else { continue };
        let name = format!("jetlag_{id}_messages_per_second");
        head(out, &name, "gauge", "messages_per_second", help);
        sample(out, &name, labels, &of_run("value"), rate);
    }
}

fn latency(out: &mut String, labels: &str, progress: &Progress) {
    let Some(latency) = progress.latency else { return };
    let name = "jetlag_end_to_end_seconds";
    head(out, name, "gauge", "seconds", "Finished minus intended, of what was handled in the last second.");
    for (stat, value) in [("p50", latency.p50), ("p99", latency.p99), ("max", latency.max)] {
        sample(out, name, labels, &of_run(stat), value.as_secs_f64());
    }
}

fn counts(out: &mut String, labels: &str, progress: &Progress, has_owners: bool) {
    for (name, help, value) in [
        ("jetlag_messages_stored", "Messages stored so far, the warm-up included.", progress.stored),
        ("jetlag_messages_handled", "Messages handled so far, each once.", progress.handled),
        (
            "jetlag_order_breaks",
            "First handlings that came too early or too late, about; the report judges.",
            progress.breaks,
        ),
        ("jetlag_violations", "Broken promises that have been seen so far.", progress.violations),
    ] {
        head(out, name, "counter", "", help);
        sample(out, &format!("{name}_total"), labels, "", value as f64);
    }
    head(out, "jetlag_backlog_messages", "gauge", "messages", "Messages stored and not yet handled.");
    sample(out, "jetlag_backlog_messages", labels, "", progress.backlog as f64);
    head(out, "jetlag_members", "gauge", "", "Members alive.");
    sample(out, "jetlag_members", labels, "", progress.members as f64);
    if has_owners {
        let unowned = progress.owners.iter().filter(|owner| owner.is_none()).count();
        head(out, "jetlag_partitions_unowned", "gauge", "", "Partitions that no member says to own.");
        sample(out, "jetlag_partitions_unowned", labels, "", unowned as f64);
    }
}

fn labels(about: &About) -> String {
    let variant = about.variant.iter().map(|variant| label("variant", variant));
    let always = [label("run", &about.run), label("profile", &about.profile), label("strategy", &about.strategy)];
    always.into_iter().chain(variant).collect()
}

fn of_run(stat: &str) -> String {
    label("scope", "run") + &label("stat", stat)
}

fn head(out: &mut String, name: &str, kind: &str, unit: &str, help: &str) {
    let _ = writeln!(out, "# TYPE {name} {kind}");
    if !unit.is_empty() {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    let _ = writeln!(out, "# HELP {name} {help}");
}

fn sample(out: &mut String, name: &str, labels: &str, own: &str, value: f64) {
    let labels = format!("{labels}{own}");
    let _ = writeln!(out, "{name}{{{}}} {value}", labels.trim_end_matches(','));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Latency;
    use std::time::Duration;

    #[test]
    fn before_anything_is_known_it_is_empty_and_whole() {
        assert_eq!(openmetrics(&Live::default()), "# EOF\n");
    }

    #[test]
    fn every_family_is_told_once_and_every_sample_names_its_run() {
        let mut live = Live { about: Some(About { run: "0199\"".into(), ..About::default() }), ..Live::default() };
        let latency = Latency { p99: Duration::from_millis(25), ..Latency::default() };
        live.note_progress(&Progress {
            offered_per_s: Some(2_000.0),
            latency: Some(latency),
            owners: vec![Some(1), None],
            next_fault: Some(("kill".into(), Duration::from_secs(3))),
            ..Progress::default()
        });
        live.note_fault("kill", "it struck".into());
        let text = openmetrics(&live);
        let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let names: std::collections::BTreeSet<&str> = families.iter().filter_map(|it| it.split(' ').next()).collect();
        assert_eq!(names.len(), families.len(), "{text}");
        assert!(
            text.lines().filter(|line| !line.starts_with('#')).all(|line| line.contains("run=\"0199\\\"\"")),
            "{text}"
        );
        assert!(text.contains("scope=\"run\",stat=\"p99\"} 0.025\n"), "{text}");
        assert!(text.contains("jetlag_partitions_unowned{run=\"0199\\\"\",profile=\"\",strategy=\"\"} 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
