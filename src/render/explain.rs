//! The explanation of one violation, as text, markdown and JSON; and the numbered list of what can be explained.

mod text;

use super::json::pretty;
use super::markdown::inline;
use super::sheet::Sheet;
use super::{Audience, Format};
use crate::model::explanation::{Event, Explanation};
use crate::model::report::Violation;

pub use text::{list, summary};

/// All formats of an explanation, in the order shown.
pub const ALL: &[Format<Explanation>] = &[
    Format {
        name: "json",
        file: "explanation.json",
        about: "Everything, for machines",
        audience: Audience::Programs,
        render: pretty,
    },
    Format {
        name: "text",
        file: "explanation.txt",
        about: "The time line in eighty columns",
        audience: Audience::People,
        render: |explanation| summary(explanation, Sheet::FILE),
    },
    Format {
        name: "markdown",
        file: "explanation.md",
        about: "The time line for an issue or a chat",
        audience: Audience::People,
        render: markdown,
    },
];

/// An explanation, read from its JSON. Older formats load for ever, newer ones are refused.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Explanation, super::Error> {
    super::json::parse_as(text, crate::model::explanation::SCHEMA)
}

/// What the columns are called.
const COLUMNS: [&str; 9] = ["ms", "who", "what", "message", "stream", "cons", "dlv", "epoch", ""];

/// The columns that stand right.
const RIGHT: [usize; 6] = [0, 3, 4, 5, 6, 7];

/// The cells of one event. A message is `key/sequence`.
fn cells(event: &Event) -> [String; 9] {
    let shown = |value: Option<String>| value.unwrap_or_default();
    let message = event.key.map(|key| match event.key_seq {
        Some(seq) => format!("{key}/{seq}"),
        None => key.to_string(),
    });
    [
        offset(event.offset_ms),
        event.who.clone(),
        event.what.to_string(),
        shown(message),
        shown(event.stream_seq.map(|it| it.to_string())),
        shown(event.consumer_seq.map(|it| it.to_string())),
        shown(event.delivered.map(|it| it.to_string())),
        shown(event.epoch.map(|it| it.to_string())),
        event.detail.clone(),
    ]
}

/// Milliseconds from the violation, with a sign: microseconds where they can be told apart.
fn offset(ms: f64) -> String {
    match ms.abs() {
        0.0 => "0".to_owned(),
        near if near < 1_000.0 => format!("{ms:+.3}"),
        _ => format!("{ms:+.1}"),
    }
}

/// What was looked at, as a sentence.
fn view(explanation: &Explanation) -> String {
    let about = match explanation.violation.key {
        Some(key) => format!("key {key} and partition {}", explanation.violation.partition),
        None => format!("partition {}", explanation.violation.partition),
    };
    let reach = match explanation.view.around_ms {
        Some(ms) => format!("within {} of it", super::number::ms(ms)),
        None => "in the whole run".to_owned(),
    };
    let most = explanation.view.events_max.map_or_else(String::new, |_| ", those that matter most".to_owned());
    format!("What happened to {about} {reach}{most}; > marks the messages concerned, ms counts from the violation:")
}

/// An explanation as a page shows it.
pub(super) struct Lines<'a> {
    /// What went wrong, in sentences.
    pub told: &'a [String],
    /// What was looked at.
    pub view: String,
    /// Names of the columns that have something in them, each with whether it stands right.
    pub head: Vec<(&'static str, bool)>,
    /// The events.
    pub rows: Vec<Line>,
    /// What is left out behind the last.
    pub left_out: Option<String>,
    /// What is wrong with the evidence.
    pub damage: &'a [String],
}

/// One event.
pub(super) struct Line {
    /// What is left out right before it.
    pub left_out: Option<String>,
    /// Whether it is about the messages concerned.
    pub concerned: bool,
    /// The cells, each with whether it stands right.
    pub cells: Vec<(String, bool)>,
}

/// The explanation for a page: columns without a word in them are left out.
pub(super) fn lines(explanation: &Explanation) -> Lines<'_> {
    let rows: Vec<[String; 9]> = explanation.events.iter().map(cells).collect();
    let used: Vec<usize> = (0..COLUMNS.len()).filter(|at| rows.iter().any(|row| !row[*at].is_empty())).collect();
    let line = |(event, row): (&Event, &[String; 9])| Line {
        left_out: left_out(event.left_out),
        concerned: event.concerned,
        cells: used.iter().map(|at| (row[*at].clone(), RIGHT.contains(at))).collect(),
    };
    Lines {
        told: &explanation.told,
        view: view(explanation),
        head: used.iter().map(|at| (COLUMNS[*at], RIGHT.contains(at))).collect(),
        rows: explanation.events.iter().zip(&rows).map(line).collect(),
        left_out: left_out(explanation.left_out_after),
        damage: &explanation.damage,
    }
}

/// The head: what is explained.
fn head(explanation: &Explanation) -> String {
    let Violation { kind, at_ms, promised, .. } = &explanation.violation;
    let leave = if *promised { "" } else { " (not promised)" };
    format!(
        "Violation {} of {}: {kind}{leave} at {}",
        explanation.number,
        explanation.of,
        super::number::instant(*at_ms)
    )
}

/// The run, in a line.
fn run(explanation: &Explanation) -> String {
    let variant = explanation.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    format!("run {}: {}{variant}, {}", explanation.run, explanation.profile, explanation.strategy)
}

/// How many are left out, when some are.
fn left_out(count: u64) -> Option<String> {
    (count > 0).then(|| format!("… {} left out", super::number::of(count, "event")))
}

fn markdown(explanation: &Explanation) -> String {
    let mut out = format!("## {}\n\n{}\n\n", inline(&head(explanation)), inline(&explanation.violation.story));
    for sentence in &explanation.told {
        out.push_str(&format!("{}\n", inline(sentence)));
    }
    out.push_str(&format!("\n{}\n\n", inline(&view(explanation))));
    out.push_str(&format!("| | {} |\n|---|---:|---|---|---:|---:|---:|---:|---:|---|\n", COLUMNS.join(" | ")));
    let gap = |count: u64| left_out(count).map_or_else(String::new, |told| format!("| | | | | | | | | | {told} |\n"));
    for event in &explanation.events {
        out.push_str(&gap(event.left_out));
        let mark = if event.concerned { "**›**" } else { "" };
        let cells = cells(event).map(|cell| inline(&cell));
        out.push_str(&format!("| {mark} | {} |\n", cells.join(" | ")));
    }
    out.push_str(&gap(explanation.left_out_after));
    for damage in &explanation.damage {
        out.push_str(&format!("\n**The evidence is damaged:** {}\n", inline(damage)));
    }
    out.push_str(&format!("\n{}\n", inline(&run(explanation))));
    out
}
