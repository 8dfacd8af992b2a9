//! The checks of `[[fault]]`: instants within the measure phase, targets that can exist.

use std::time::Duration;

use super::Findings;
use crate::fault::step_down::Of;
use crate::fault::{Form, Kind, Target};
use crate::model::units::Timespan;
use crate::nats::link::Path;
use crate::profile::document::{Document, Fault, Handler, Storage};

/// What to do where something needs copies.
const COPIES: &str = "server.nodes = 3 and stream.replicas = 3";

/// More strikes than this are a slip of a unit.
const STRIKES_MAX: u128 = 10_000;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    for (number, fault) in document.fault.iter().enumerate() {
        let at = |key: &str| format!("fault.{number}.{key}");
        let whole = format!("fault.{number}");
        timing(document, fault, &at, &whole, findings);
        target(document, fault, &at, &whole, findings);
        if fault.kind == Kind::Join && document.strategy.members_max().is_some() {
            let message = format!("with {} nobody can join: there is no group", document.strategy.kind());
            findings.add(&[&at("kind"), &whole, "strategy.kind"], message, None);
        }
        servers(document, fault, &at, &whole, findings);
        if matches!(fault.kind, Kind::Chaos(_)) && document.fault.len() > 1 {
            let message = "chaos stands alone: its guards cannot know what other faults do".to_owned();
            findings.add(&[&at("kind"), &whole], message, Some("give it what it shall mix in `weights`"));
        }
        member_deeds(document, fault, &at, &whole, findings);
        for (key, message) in fault.kind.objections() {
            findings.add(&[&at(key), &whole], message, None);
        }
    }
}

/// What needs several servers, copies, or a store that outlives its server.
fn servers(document: &Document, fault: &Fault, at: &impl Fn(&str) -> String, whole: &str, findings: &mut Findings) {
    let name = fault.kind.name();
    let (nodes, replicas) = (document.server.nodes, document.stream.replicas);
    if fault.kind.ends_servers() && document.stream.storage == Storage::Memory && replicas == 1 {
        let message = format!("a {name} ends a server, and a stream in memory on one server ends with it");
        findings.add(
            &[&at("kind"), whole, "stream.storage"],
            message,
            Some("stream.storage = \"file\", or stream.replicas = 3 on server.nodes = 3"),
        );
    }
    if (fault.kind.strikes_servers() || fault.kind.ends_servers()) && document.strategy.path() == Path::Plain {
        let message = format!("a {name} breaks connections, and members on the plain path do not connect again");
        findings.add(&[&at("kind"), whole, "strategy.path"], message, Some("strategy.path = \"library\""));
    }
    match &fault.kind {
        Kind::StepDown(settings) => {
            if replicas == 1 && settings.of != Of::Meta {
                let message = "nothing has a leader that could step down: the stream has one copy".to_owned();
                findings.add(&[&at("of"), &at("kind"), whole, "stream.replicas"], message, Some(COPIES));
            } else if nodes == 1 {
                let message = "a single server has no leader to step down".to_owned();
                findings.add(&[&at("of"), &at("kind"), whole, "server.nodes"], message, Some(COPIES));
            }
            if settings.of == Of::Bucket && document.strategy.bucket("").is_none() {
                let message = format!("with {} there is no bucket", document.strategy.kind());
                findings.add(&[&at("of"), whole, "strategy.kind"], message, None);
            }
        }
        Kind::Chaos(settings) => {
            if settings.max_down > document.fleet.members {
                let message =
                    format!("`max-down` is {}, but there are {} members", settings.max_down, document.fleet.members);
                findings.add(&[&at("max-down"), "fleet.members", whole], message, None);
            }
            if settings.calm >= document.run.measure {
                let message =
                    format!("`calm` is {}, and the measure phase lasts {}", settings.calm, document.run.measure);
                findings.add(&[&at("calm"), "run.measure", whole], message, Some("measure longer"));
            }
        }
        _ => {}
    }
    match fault.target() {
        Target::Node(number) if number >= nodes => {
            let message = format!("there is no server node {number}: they are 0 to {}", nodes.saturating_sub(1));
            findings.add(&[&at("target"), whole, "server.nodes"], message, None);
        }
        Target::Follower if nodes == 1 || replicas == 1 => {
            let message = "nobody follows: the stream has one copy".to_owned();
            findings.add(&[&at("target"), whole], message, Some(COPIES));
        }
        _ => {}
    }
}

/// What jetlag cannot do to these members.
fn member_deeds(
    document: &Document,
    fault: &Fault,
    at: &impl Fn(&str) -> String,
    whole: &str,
    findings: &mut Findings,
) {
    let own_program = document.strategy.runs_a_program();
    let about: &[&str] = &[&at("kind"), whole, "strategy.kind"];
    match &fault.kind {
        Kind::Slow(_) if own_program => {
            let message = "a program of your own has a handler of its own, which jetlag cannot slow down".to_owned();
            findings.add(about, message, Some("pause it, or make it slow yourself"));
        }
        Kind::Slow(slow) if document.fleet.handler == Handler::None && slow.to.is_none() => {
            let message = "a handler that takes no time takes none when it is so many times slower".to_owned();
            findings.add(&[&at("by"), &at("kind"), whole, "fleet.handler"], message, Some("say `to = \"5ms\"`"));
        }
        Kind::Cut(_) if own_program && !matches!(fault.target(), Target::Publisher(_)) => {
            let message =
                "a program of your own connects by itself, and may go past jetlag's relay to servers that it \
                           discovers"
                    .to_owned();
            findings.add(about, message, Some("cut a publisher, like \"p0\", or pause the member"));
        }
        _ => {}
    }
}

fn timing(document: &Document, fault: &Fault, at: &impl Fn(&str) -> String, whole: &str, findings: &mut Findings) {
    let name = fault.kind.name();
    let measure = document.run.measure;
    match (fault.at, fault.every) {
        (None, None) => {
            let message = format!("nothing says when the {name} strikes");
            findings.add(&[&at("kind"), whole], message, Some("add at = \"8s\" or every = \"10s\""));
        }
        (Some(_), Some(_)) => {
            let message = format!("the {name} has both `at` and `every`");
            findings.add(&[&at("every"), whole], message, Some("`every` takes its first strike from `from`"));
        }
        (Some(_), None) => {
            let repeated =
                [("from", fault.from.is_some()), ("until", fault.until.is_some()), ("times", fault.times.is_some())];
            for (key, _) in repeated.into_iter().filter(|(_, typed)| *typed) {
                findings.add(&[&at(key)], format!("`{key}` has no effect without `every`"), None);
            }
        }
        (None, Some(every)) => repetition(fault, every, measure, at, findings),
    }
    let first = fault.first();
    if first.0 >= measure.0 {
        let message = format!("the {name} strikes at {first}, but the measure phase ends after {measure}");
        let typed = if fault.at.is_some() {
            "at"
        } else if fault.from.is_some() {
            "from"
        } else {
            "every"
        };
        findings.add(&[&at(typed), whole, "run.measure"], message, Some("strike earlier, or measure longer"));
    } else if let Some(jitter) = fault.jitter
        && first.0.saturating_add(jitter.0) > measure.0
    {
        let message = format!("with a jitter of {jitter} the {name} may come after the measure phase of {measure}");
        findings.add(&[&at("jitter"), whole, "run.measure"], message, None);
    }
}

fn repetition(
    fault: &Fault,
    every: Timespan,
    measure: Timespan,
    at: &impl Fn(&str) -> String,
    findings: &mut Findings,
) {
    if every.0 < Duration::from_millis(1) {
        let message = format!("`every` is {every}, expected at least 1ms");
        return findings.add(&[&at("every")], message, None);
    }
    if measure.0.as_nanos() / every.0.as_nanos() > STRIKES_MAX && fault.times.is_none() {
        let message = format!("every {every} for {measure} makes more than {STRIKES_MAX} strikes");
        findings.add(&[&at("every")], message, Some("strike less often, or set `times`"));
    }
    if fault.times == Some(0) {
        findings.add(&[&at("times")], "`times` is 0: the fault never strikes".to_owned(), None);
    }
    if let Some(until) = fault.until {
        if until <= fault.first() {
            let message = format!("`until` is {until}, before the first strike at {}", fault.first());
            findings.add(&[&at("until"), &at("from")], message, None);
        } else if until > measure {
            let message = format!("`until` is {until}, but the measure phase ends after {measure}");
            findings.add(&[&at("until"), "run.measure"], message, None);
        }
    }
}

fn target(document: &Document, fault: &Fault, at: &impl Fn(&str) -> String, whole: &str, findings: &mut Findings) {
    let name = fault.kind.name();
    let target = fault.target();
    let about: &[&str] = &[&at("target"), whole];
    if !fault.kind.admits(target) {
        let forms: Vec<_> = fault.kind.about().targets.iter().map(Form::to_string).collect();
        let forms: Vec<_> = forms.iter().map(String::as_str).collect();
        let help = format!("expected {}", crate::profile::shape::one_of(&forms));
        return findings.add(about, format!("a {name} cannot strike \"{target}\""), Some(&help));
    }
    match target {
        Target::Member(index) => {
            let joined =
                document.fault.iter().filter(|other| other.kind == Kind::Join && other.first() <= fault.last(document));
            let joins: u64 = joined.map(|join| join.strikes_max(document)).sum();
            let members = u64::from(document.fleet.members) + joins;
            if u64::from(index) >= members {
                let message =
                    format!("there is no member c{index} by then: they are c0 to c{}", members.saturating_sub(1));
                findings.add(&[&at("target"), whole, "fleet.members"], message, None);
            }
        }
        Target::OwnerOf(partition) => {
            let partitions = document.stream.partitions;
            if partition >= partitions {
                let message =
                    format!("there is no partition {partition}: they are 0 to {}", partitions.saturating_sub(1));
                findings.add(&[&at("target"), whole, "stream.partitions"], message, None);
            }
            if !document.strategy.promises().owners {
                let message = format!("with {} no partition has an owner", document.strategy.kind());
                findings.add(&[&at("target"), whole, "strategy.kind"], message, Some("strike a member, or \"random\""));
            }
        }
        Target::Random if fault.kind == Kind::Restart => {
            let deadly = |other: &&Fault| matches!(other.kind, Kind::Kill | Kind::Terminate);
            if !document.fault.iter().filter(deadly).any(|death| death.first() < fault.last(document)) {
                let message = "a random restart starts a dead member again, but nobody has died by then".to_owned();
                let help = "kill or terminate one earlier, or name the member to be restarted, like \"c1\"";
                findings.add(&[&at("target"), &at("kind"), whole], message, Some(help));
            }
        }
        Target::Publisher(index) => {
            let publishers = document.load.publishers;
            if index >= publishers {
                let message =
                    format!("there is no publisher p{index}: they are p0 to p{}", publishers.saturating_sub(1));
                findings.add(&[&at("target"), whole, "load.publishers"], message, None);
            }
        }
        _ => {}
    }
}

impl Fault {
    /// Whom it strikes, said or not.
    pub(in crate::profile) fn target(&self) -> Target {
        self.target.unwrap_or_else(|| self.kind.default_target())
    }

    /// Its first strike, jitter left out.
    pub(in crate::profile) fn first(&self) -> Timespan {
        self.at.or(self.from).or(self.every).unwrap_or(Timespan(Duration::ZERO))
    }

    /// No strike comes after this, jitter left out.
    fn last(&self, document: &Document) -> Timespan {
        if self.every.is_some() { self.until.unwrap_or(document.run.measure) } else { self.first() }
    }

    /// At most so many strikes.
    fn strikes_max(&self, document: &Document) -> u64 {
        let Some(every) = self.every else { return 1 };
        let span = self.last(document).0.saturating_sub(self.first().0).as_nanos();
        let fit = u64::try_from(span / every.0.as_nanos().max(1) + 1).unwrap_or(u64::MAX);
        fit.min(self.times.map_or(u64::MAX, u64::from)).min(1_000_000)
    }
}
