//! What the faults did: gaps and stranded messages, by kind of fault and fault by fault. Kinds are never pooled.

use super::number::{self, ABSENT};
use super::repeats::Repeats;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::{FaultReport, PartitionGap, Report};

/// What all faults of one kind did.
pub(super) struct GapRow {
    /// Kind of fault.
    pub kind: String,
    /// How many struck.
    pub faults: usize,
    /// Partitions of struck members, or that changed owner.
    pub affected: Spread,
    /// One value a fault, the longest of its affected partitions: faults do not depend on each other, partitions of one fault do.
    pub longest: Repeats,
    /// The others.
    pub bystanders: Spread,
    /// All partitions over an equal window before the fault.
    pub before: Spread,
    /// The bystanders among them.
    pub bystanders_before: Spread,
    /// What was in flight when they struck.
    pub stranded: Stranded,
    /// Some window was cut short.
    pub censored: bool,
}

/// How a handful of durations spreads. The values themselves are at hand, so these percentiles are exact.
#[derive(Default)]
pub(super) struct Spread {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile, by nearest rank.
    pub p99: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
}

impl Spread {
    /// Of these values; what is no number is no observation.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (values.len() as f64 * share).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied()
        };
        Self { p50: rank(0.50), p99: rank(0.99), max: values.last().copied() }
    }

    /// `median · max` in milliseconds, the unit being said in the head of the table.
    pub(super) fn short(&self) -> String {
        match (self.p50, self.max) {
            (Some(p50), Some(max)) => format!("{} · {}", number::plain(p50), number::plain(max)),
            _ => ABSENT.to_owned(),
        }
    }
}

/// What became of the messages that were in flight at a fault. Without it a strategy without owners looks perfect
/// while its messages wait for the ack wait.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stranded {
    /// The longest time from a fault to the last of them being handled.
    pub ms_max: Option<f64>,
    /// How many there were; absent when the report does not tell.
    pub messages: Option<u64>,
}

impl Stranded {
    /// As the readings of this scope tell.
    pub(super) fn of(readings: &[Reading], scope: &Scope) -> Self {
        let value = |metric: &str, stats: &[Stat]| {
            let of_metric = |reading: &&Reading| reading.metric == metric && reading.scope == *scope;
            let found = readings.iter().filter(of_metric).find(|reading| stats.contains(&reading.stat));
            found?.value.filter(|value| value.is_finite())
        };
        Self {
            ms_max: value("stranded", &[Stat::Max, Stat::Value]),
            messages: value("stranded_messages", &[Stat::Count]).map(|messages| messages.max(0.0) as u64),
        }
    }

    /// Whether something was in flight.
    pub(super) fn is_something(&self) -> bool {
        self.ms_max.is_some() || self.messages.is_some_and(|messages| messages > 0)
    }

    /// In words, the time laid out by `time`; none when the report does not tell.
    pub(super) fn tell(&self, time: fn(f64) -> String) -> Option<String> {
        match (self.ms_max, self.messages) {
            (Some(ms), _) => Some(time(ms)),
            (None, Some(0)) => Some("none".to_owned()),
            (None, Some(_)) => Some("never".to_owned()),
            (None, None) => None,
        }
    }

    /// The same for a cell.
    pub(super) fn cell(&self, time: fn(f64) -> String) -> String {
        self.tell(time).unwrap_or_else(|| ABSENT.to_owned())
    }
}

/// How to read `stranded` in a table.
pub(super) const STRANDED_NOTE: &str = "stranded: fault to the last message that was in flight then being handled";

/// How to read the mark of a window that was cut short.
pub(super) const CENSORED_NOTE: &str = "a window was cut short: what it shows is at least so long";

/// The longest outage of a scope, when servers were struck there.
fn outage(readings: &[Reading], scope: &Scope) -> Option<f64> {
    let is_it = |reading: &&Reading| reading.metric == "outage" && reading.scope == *scope && reading.stat == Stat::Max;
    readings.iter().find(is_it)?.value.filter(|value| value.is_finite())
}

/// The kinds of fault that struck, in order of first appearance, with what they did.
pub(super) fn by_kind(report: &Report) -> Vec<GapRow> {
    let mut kinds: Vec<&str> = Vec::new();
    for fault in &report.faults {
        if !kinds.contains(&fault.kind.as_str()) {
            kinds.push(&fault.kind);
        }
    }
    kinds.into_iter().map(|kind| row(kind, report)).collect()
}

fn row(kind: &str, report: &Report) -> GapRow {
    let faults: Vec<&FaultReport> = report.faults.iter().filter(|fault| fault.kind == kind).collect();
    let spread = |pick: &dyn Fn(&PartitionGap) -> Option<f64>| {
        Spread::of(faults.iter().flat_map(|fault| &fault.partitions).filter_map(pick))
    };
    GapRow {
        kind: kind.to_owned(),
        faults: faults.len(),
        affected: spread(&|gap| gap.gap_ms.filter(|_| gap.affected)),
        longest: Repeats::of(faults.iter().filter_map(|fault| longest(fault))),
        bystanders: spread(&|gap| gap.gap_ms.filter(|_| !gap.affected)),
        before: spread(&|gap| gap.gap_before_ms),
        bystanders_before: spread(&|gap| gap.gap_before_ms.filter(|_| !gap.affected)),
        stranded: Stranded::of(&report.readings, &Scope::FaultKind(kind.to_owned())),
        censored: faults.iter().any(|fault| fault.censored),
    }
}

/// The longest gap of the partitions that a fault affected; none when nothing waited there.
fn longest(fault: &FaultReport) -> Option<f64> {
    let affected = fault.partitions.iter().filter(|gap| gap.affected);
    Spread::of(affected.filter_map(|gap| gap.gap_ms)).max
}

impl GapRow {
    /// How sure the median of [`Self::longest`] is: an interval where there are enough faults, else from the least to the greatest.
    /// None for a single one, and where a window was cut short: what was seen there is no longer what happened.
    pub(super) fn spread_of_longest(&self) -> Option<String> {
        if self.censored {
            return None;
        }
        match (self.longest.median_interval(), self.longest.values()) {
            (Some((from, to)), _) => Some(format!("95 %: {}", number::ms_between(from, to))),
            (None, [least, .., most]) => Some(format!("all: {}", number::ms_between(*least, *most))),
            (None, _) => None,
        }
    }
}

/// All of it in a few sentences.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let rows = by_kind(report);
    let gap = |row: &GapRow| {
        let cut = if row.censored { " (window cut short)" } else { "" };
        let max = row.affected.max?;
        Some((max, format!("{} after a {}{cut}", number::ms(max), row.kind)))
    };
    let gaps: Vec<(f64, String)> = rows.iter().filter_map(gap).collect();
    let stranded = |row: &GapRow| {
        let max = row.stranded.ms_max?;
        Some((max, format!("{} after a {}", number::ms(max), row.kind)))
    };
    let stranded: Vec<(f64, String)> = rows.iter().filter_map(stranded).collect();
    let mut told = Vec::new();
    if !gaps.is_empty() {
        let lease = report.run.lease_ttl_ms.filter(|ttl| ttl.is_finite());
        let lease = lease.map_or_else(String::new, |ttl| format!(", with a lease time of {}", number::ms(ttl)));
        told.push(format!("Affected partitions stood still for up to {}{lease}.", foremost(&gaps)));
    }
    if !stranded.is_empty() {
        told.push(format!("The last message in flight at the fault was handled {}.", foremost(&stranded)));
    }
    let outage = |row: &GapRow| {
        let longest = outage(&report.readings, &Scope::FaultKind(row.kind.clone()))?;
        Some((longest, format!("{} after a {}", number::ms(longest), row.kind)))
    };
    let outages: Vec<(f64, String)> = rows.iter().filter_map(outage).collect();
    if !outages.is_empty() {
        let head = "Counted from when messages were to be sent, stored or not, nothing new was handled for up to";
        told.push(format!("{head} {}.", foremost(&outages)));
    }
    told.extend(bystanders(&rows).filter(|_| !gaps.is_empty()));
    told
}

/// What is told of each kind of fault, the milliseconds beside it. Of many kinds those with the greatest are told one by one: chaos has
/// a dozen, and the table has them all.
fn foremost(kinds: &[(f64, String)]) -> String {
    // Four can still be read one by one.
    let told_max = if kinds.len() <= 4 { 4 } else { 3 };
    let mut by_size: Vec<f64> = kinds.iter().map(|(ms, _)| *ms).collect();
    by_size.sort_by(|one, other| other.total_cmp(one));
    let [.., least_told] = by_size[..by_size.len().min(told_max)] else { return String::new() };
    let mut told: Vec<&str> =
        kinds.iter().filter(|(ms, _)| *ms >= least_told).map(|(_, told)| told.as_str()).take(told_max).collect();
    let rest = by_size.get(told_max).map(|greatest| {
        let kinds = number::of((by_size.len() - told_max) as u64, "other kind");
        format!("and at most {} after {kinds} of fault", number::ms(*greatest))
    });
    told.extend(rest.as_deref());
    told.join(", ")
}

/// Kind by kind: the noise before a leave is no excuse for what a crash did.
fn bystanders(rows: &[GapRow]) -> Option<String> {
    let told = |row: &GapRow| {
        let before = row.bystanders_before.max.map_or_else(|| "unobserved".to_owned(), number::ms);
        let max = row.bystanders.max?;
        Some((max, format!("{} after a {} ({before})", number::ms(max), row.kind)))
    };
    let told: Vec<(f64, String)> = rows.iter().filter_map(told).collect();
    let head = "Bystanders (in brackets: the same partitions before the fault)";
    (!told.is_empty()).then(|| format!("{head}: up to {}.", foremost(&told)))
}

/// One fault in one line, without its number: `kill owner-of:3 → c1.1 at 12.00 s: 4 partitions affected, longest gap 2,103 ms`.
pub(super) fn line(fault: &FaultReport, readings: &[Reading]) -> String {
    let affected = fault.partitions.iter().filter(|gap| gap.affected);
    let affected = number::of(affected.count() as u64, "partition");
    let struck = match fault.struck.as_slice() {
        [] => String::new(),
        [one] if *one == fault.target => String::new(),
        [first, second, third, _, ..] => format!(" → {first}, {second}, {third} and {} more", fault.struck.len() - 3),
        some => format!(" → {}", some.join(", ")),
    };
    let gap =
        longest(fault).map_or_else(|| "no gap observed".to_owned(), |gap| format!("longest gap {}", number::ms(gap)));
    let outage = outage(readings, &Scope::Fault(fault.id));
    let outage = outage.map_or_else(String::new, |ms| format!(", outage {}", number::ms(ms)));
    let stranded = Stranded::of(readings, &Scope::Fault(fault.id));
    let stranded = stranded.ms_max.map_or_else(String::new, |ms| format!(", stranded for {}", number::ms(ms)));
    let censored = if fault.censored { ", window cut short" } else { "" };
    let instants = instants(fault);
    format!(
        "{} {}{struck} at {}: {instants}{affected} affected, {gap}{outage}{stranded}{censored}",
        fault.kind,
        fault.target,
        number::instant(fault.at_ms)
    )
}

/// What is known of the instants of a fault, each with its name and the time since it was ordered, in milliseconds.
pub(super) fn since_ordered(fault: &FaultReport) -> [(&'static str, Option<f64>); 3] {
    let instants = [("delivered", fault.delivered_ms), ("seen", fault.observed_ms), ("over", fault.passed_ms)];
    instants.map(|(what, at)| (what, at.map(|at| (at - fault.at_ms).max(0.0))))
}

/// When it was delivered, seen to take effect and over, from when it struck on; what has no evidence is left out.
fn instants(fault: &FaultReport) -> String {
    let told = since_ordered(fault).into_iter();
    let told = told.filter_map(|(what, since)| Some(format!("{what} after {}", number::ms(since?))));
    let told: Vec<String> = told.collect();
    if told.is_empty() { String::new() } else { format!("{}; ", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_when_it_was_delivered_seen_and_over_as_far_as_that_is_known() {
        let fault = FaultReport {
            id: 0,
            kind: "cut".to_owned(),
            target: "c1".to_owned(),
            struck: vec!["c1.1".to_owned()],
            at_ms: 1_000.0,
            delivered_ms: Some(1_000.5),
            observed_ms: None,
            passed_ms: Some(3_000.0),
            window_end_ms: 4_000.0,
            censored: false,
            partitions: Vec::new(),
        };
        assert_eq!(instants(&fault), "delivered after 0.5 ms, over after 2,000 ms; ");
        let told = line(&fault, &[]);
        assert!(told.contains("delivered after 0.5 ms, over after 2,000 ms; 0 partitions affected"), "{told}");
        assert_eq!(instants(&FaultReport { delivered_ms: None, passed_ms: None, ..fault }), "");
    }

    #[test]
    fn a_median_over_faults_says_how_sure_it_is_unless_a_window_was_cut() {
        let row = |number: u32, censored| GapRow {
            kind: "kill".to_owned(),
            faults: number as usize,
            affected: Spread::default(),
            longest: Repeats::of((0..number).map(|fault| 1_800.0 + f64::from(fault))),
            bystanders: Spread::default(),
            before: Spread::default(),
            bystanders_before: Spread::default(),
            stranded: Stranded::default(),
            censored,
        };
        for (number, censored, told) in [
            (0, false, None),
            (1, false, None),
            (3, false, Some("all: 1,800–1,802 ms")),
            (12, false, Some("95 %: 1,802–1,809 ms")),
            (12, true, None),
        ] {
            assert_eq!(row(number, censored).spread_of_longest().as_deref(), told, "{number}");
        }
    }

    #[test]
    fn of_many_kinds_the_greatest_are_told_in_their_order_and_the_others_together() {
        let kinds = |all: &[f64]| all.iter().map(|ms| (*ms, format!("{ms}"))).collect::<Vec<_>>();
        for (all, told) in [
            (vec![], ""),
            (vec![3.0, 9.0], "3, 9"),
            (vec![1.0, 2.0, 3.0, 4.0], "1, 2, 3, 4"),
            (vec![1.0, 7.0, 2.0, 9.0, 8.0, 6.0], "7, 9, 8, and at most 6 ms after 3 other kinds of fault"),
            (vec![5.0, 5.0, 5.0, 5.0, 5.0], "5, 5, 5, and at most 5 ms after 2 other kinds of fault"),
        ] {
            assert_eq!(foremost(&kinds(&all)), told);
        }
    }

    #[test]
    fn bystanders_are_told_kind_by_kind_each_against_its_own_before() {
        let row = |kind: &str, max: Option<f64>, before: Option<f64>| GapRow {
            kind: kind.to_owned(),
            faults: 1,
            affected: Spread::default(),
            longest: Repeats::default(),
            bystanders: Spread { max, ..Spread::default() },
            before: Spread { max: Some(99.0), ..Spread::default() },
            bystanders_before: Spread { max: before, ..Spread::default() },
            stranded: Stranded::default(),
            censored: false,
        };
        let rows = [row("kill", Some(40.0), Some(2.0)), row("leave", Some(3.0), None), row("join", None, Some(50.0))];
        assert_eq!(
            bystanders(&rows).as_deref(),
            Some(
                "Bystanders (in brackets: the same partitions before the fault): up to 40 ms after a kill (2 ms), 3 ms after a leave (unobserved)."
            )
        );
        assert_eq!(bystanders(&rows[2..]), None);
    }

    #[test]
    fn stranded_tells_nothing_in_flight_from_nothing_handled_and_from_nothing_known() {
        for (ms_max, messages, cell) in [
            (Some(5_000.0), Some(1), "5,000 ms"),
            (Some(0.5), None, "0.5 ms"),
            (None, Some(0), "none"),
            (None, Some(3), "never"),
            (None, None, ABSENT),
        ] {
            assert_eq!(Stranded { ms_max, messages }.cell(number::ms), cell);
        }
    }
}
