//! The trial: two acts, each a short run of its own, and the questions that their evidence answers. Pure.

use serde::Serialize;

use crate::model::history::History;
use crate::model::reading::{Scope, Stat};
use crate::model::report::Report;
use crate::model::story::{StoryEvent, StoryLine};

/// One act.
pub(super) struct Act {
    /// For folders.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: &'static str,
    members: u16,
    measure: &'static str,
    /// Long enough for what a dead member had in hand to come again: 30 s is the server's default for that.
    drain: &'static str,
    faults: &'static str,
    /// Whether somebody is killed: then what was in hand must come again.
    crash: bool,
}

/// Both, in their order.
pub(super) const ACTS: &[Act] = &[
    Act {
        name: "alone",
        title: "One member, messages on 4 partitions, then SIGTERM:",
        members: 1,
        measure: "2s",
        drain: "15s",
        faults: "",
        crash: false,
    },
    Act {
        name: "together",
        title: "Two members, of which one is killed, started again and later told to leave:",
        members: 2,
        // A program that takes long to start, in an interpreter on a busy machine, is ready before it is told to leave.
        measure: "10s",
        drain: "40s",
        faults: r#"
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
[[fault]]
kind = "restart"
target = "c1"
at = "2s"
[[fault]]
kind = "leave"
target = "c1"
at = "9s"
"#,
        crash: true,
    },
];

impl Act {
    /// Its profile: `command` with `variables` as the strategy.
    pub(super) fn profile(&self, command: &[String], variables: &[(&str, &str)]) -> String {
        let Self { members, measure, drain, faults, .. } = self;
        let command = toml::Value::from(command.to_vec());
        let env = toml::Value::from(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect::<std::collections::BTreeMap<_, _>>(),
        );
        format!(
            r#"# Does the program speak the protocol?
[run]
warm-up = "500ms"
measure = "{measure}"
drain = "{drain}"
[stream]
partitions = 4
[load]
rate = "100/s"
publishers = 1
keys = 12
[fleet]
members = {members}
handler-time = "2ms"
[limits]
schedule-lag-p99 = "1h"
[strategy]
kind = "external"
command = {command}
env = {env}
{faults}"#
        )
    }
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// The act.
    pub(super) act: &'static str,
    /// What should be so.
    pub(super) question: &'static str,
    /// Whether it is.
    pub(super) answer: Answer,
    /// What was seen, and what to do.
    pub(super) told: Vec<String>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// It is so.
    Good,
    /// Worth knowing.
    Note,
    /// It is not so.
    Bad,
}

/// The answer of a program that did not get ready.
pub(super) fn not_ready(reason: &str, story: &[StoryLine]) -> Check {
    let remedy = "say `ready 1` on a line of its own as soon as you are able to be given messages, and flush it: many \
                  languages hold back what goes into a pipe";
    let told = [vec![reason.to_owned()], remarks(story), vec![remedy.to_owned()]].concat();
    Check { act: "alone", question: "it starts and says `ready 1`", answer: Answer::Bad, told }
}

/// Asks the evidence of an act.
pub(super) fn ask(act: &Act, history: &History, report: &Report) -> Vec<Check> {
    let check = |question, wrong: Vec<String>| {
        let answer = if wrong.is_empty() { Answer::Good } else { Answer::Bad };
        Check { act: act.name, question, answer, told: wrong }
    };
    let note =
        |question, told: &str| Check { act: act.name, question, answer: Answer::Note, told: vec![told.to_owned()] };
    let (stored, handled) = (count(report, "stored"), count(report, "handled"));
    let unhandled = count(report, "unhandled");
    let mut checks = vec![
        check("it starts and says `ready 1`", Vec::new()),
        check("every line on its standard output is one of the protocol", remarks(&history.story)),
        check("it goes on running until it is told to stop", deaths(history, false)),
        check("every id that it says is one of a message of this run", strangers(report)),
    ];
    checks.push(check(
        match act.crash {
            false => "it says `done` for every message",
            true => "what the killed member had in hand comes again, and every message is done",
        },
        missing(act, &Counts { stored, handled, unhandled, lost: count(report, "lost") }),
    ));
    if !act.crash {
        let broken = count(report, "order_violations");
        checks.push(if broken == 0 {
            check("one member alone keeps every key in order", Vec::new())
        } else {
            let told = format!("{broken} times it did not; that is no fault unless the profile promises order-per-key");
            note("one member alone keeps every key in order", &told)
        });
    }
    checks.push(check("it stops within 5 s of SIGTERM, with exit code 0", deaths(history, true)));
    if handled > 0 && !says_start(history) {
        let told = "it says no `start`, so handlings have no length: overlaps and handlings cut short cannot be seen";
        checks.push(note("it says when a handler begins", told));
    }
    if history.journals.iter().any(|journal| !journal.ownership.is_empty()) {
        let told = "it says `claim`: set `owners = true` in the profile, and faults can aim at owners";
        checks.push(note("it says what it owns", told));
    }
    checks
}

fn count(report: &Report, metric: &str) -> u64 {
    let is_it = |reading: &&crate::model::reading::Reading| {
        reading.metric == metric && reading.stat == Stat::Count && reading.scope == Scope::Run
    };
    report.readings.iter().find(is_it).and_then(|reading| reading.value).map_or(0, |value| value as u64)
}

fn remarks(story: &[StoryLine]) -> Vec<String> {
    let remark = |event: &StoryEvent| match event {
        StoryEvent::Remark { process, text } => Some(format!("{process}: {text}")),
        _ => None,
    };
    story.iter().filter_map(|line| remark(&line.event)).collect()
}

/// How programs ended that did so unasked, or not well when they were asked to.
fn deaths(history: &History, asked: bool) -> Vec<String> {
    let was_ready = |name: &str| {
        let is_it = |event: &StoryEvent| matches!(event, StoryEvent::Ready { process } if process == name);
        history.story.iter().any(|line| is_it(&line.event))
    };
    let death = |event: &StoryEvent| match event {
        StoryEvent::ProgramEnded { process, code, signal, ordered, message } if *ordered == asked => {
            let how = match (code, signal) {
                (_, Some(15)) if !was_ready(process) => {
                    "was still starting when it got SIGTERM, and died of it: it takes long to say `ready 1`; is the \
                     machine busy?"
                        .to_owned()
                }
                (_, Some(15)) => "died of SIGTERM: handle it, finish what is in hand, and exit with 0".to_owned(),
                (_, Some(signal)) => format!("ended by signal {signal}"),
                (Some(code), None) => format!("exited with code {code}"),
                (None, None) => "ended".to_owned(),
            };
            Some(format!("{process} {how}{}{message}", if message.is_empty() { "" } else { "; " }))
        }
        _ => None,
    };
    history.story.iter().filter_map(|line| death(&line.event)).collect()
}

fn strangers(report: &Report) -> Vec<String> {
    match count(report, "phantom") {
        0 => Vec::new(),
        some => vec![format!(
            "{some} × it did not: echo the first 24 bytes of the payload as they are, and read JETLAG_STREAM only"
        )],
    }
}

/// How many messages came to what.
struct Counts {
    stored: u64,
    handled: u64,
    unhandled: u64,
    /// Not handled, and not because the fleet was still at work.
    lost: u64,
}

fn missing(act: &Act, counts: &Counts) -> Vec<String> {
    let Counts { stored, handled, unhandled, lost } = *counts;
    match (unhandled, handled) {
        (0, _) => Vec::new(),
        (_, 0) => vec![format!(
            "{stored} messages were stored and not one `done` came; is the line flushed, and is the stream \
             read from its beginning, with the filter JETLAG_SUBJECT_PREFIX.*?"
        )],
        (some, _) if lost == 0 => vec![format!(
            "it was still at work when the trial ended, {some} of {stored} messages behind: 100 come a second, and {} \
             are given to catch up; what does it wait for at each message?",
            act.drain
        )],
        (some, _) if act.crash => vec![format!(
            "{some} of {stored} messages never were; is a message acknowledged only after its handler has ended?"
        )],
        (some, _) => vec![format!("{some} of {stored} messages never were")],
    }
}

/// Whether any handling took time.
fn says_start(history: &History) -> bool {
    let takes_time =
        |handling: &crate::model::record::Handling| handling.finished.is_none_or(|finish| finish.at > handling.started);
    history.journals.iter().flat_map(|journal| &journal.handlings).any(takes_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_an_act_takes_any_command_as_it_is() {
        let command = ["python3", "it's \"odd\".py", "--flag=\\"].map(str::to_owned);
        for act in ACTS {
            let text = act.profile(&command, &[("A", "b c"), ("D", "\"")]);
            let loaded = crate::profile::parse("external-check", "test", &text, &[]);
            let plans = loaded.unwrap_or_else(|problems| panic!("{problems}")).plans();
            let crate::strategy::Strategy::External(settings) = &plans[0].strategy else { panic!("{text}") };
            assert_eq!(settings.command, command);
            assert_eq!(settings.env["D"], "\"");
        }
    }

    #[test]
    fn what_is_missing_is_told_by_how_much_came() {
        let [alone, together] = ACTS else { panic!("two acts") };
        let counts = |handled, lost| Counts { stored: 10, handled, unhandled: 10 - handled, lost };
        assert!(missing(alone, &counts(10, 0)).is_empty());
        assert!(missing(alone, &counts(0, 10))[0].contains("not one `done` came"));
        assert!(missing(alone, &counts(9, 0))[0].contains("still at work"));
        assert!(missing(together, &counts(9, 1))[0].contains("acknowledged only after"));
    }
}
