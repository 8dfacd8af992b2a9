//! A check-up for the terminal: what stands in the way first, then every finding with what follows from it.

use super::json::pretty;
use super::sheet::Sheet;
use crate::model::checkup::{Checkup, Finding, Fitness, Level, Subject};

/// Columns of the subject.
const SUBJECT: usize = 11;

/// The whole check-up as JSON.
#[must_use]
pub fn json(checkup: &Checkup) -> String {
    pretty(checkup)
}

/// The whole check-up as text. Colour repeats what words and marks say.
#[must_use]
pub fn summary(checkup: &Checkup, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&headline(checkup), &format!("{}  ", badge(checkup.fitness, sheet)));
    out.push('\n');
    let mut last = None;
    for finding in &checkup.findings {
        let subject = if last == Some(finding.subject) { "" } else { name(finding.subject) };
        last = Some(finding.subject);
        out.push_str(&told(finding, subject, sheet));
    }
    out
}

fn headline(checkup: &Checkup) -> String {
    let warnings = checkup.findings.iter().filter(|finding| finding.level == Level::Warning).count();
    match checkup.fitness {
        Fitness::Fit => "Runs can be made here, and nothing stands in the way of their figures.".to_owned(),
        Fitness::Limited => {
            let warnings =
                if warnings == 1 { "one warning says".to_owned() } else { format!("{warnings} warnings say") };
            format!("Runs can be made here; {warnings} what their figures suffer from.")
        }
        Fitness::Unfit => "No run can be made here.".to_owned(),
    }
}

fn told(finding: &Finding, subject: &str, sheet: Sheet) -> String {
    let (mark, code) = mark(finding.level);
    let mark = painted(mark, code, sheet);
    let mut out = sheet.wrap(&finding.found, &format!(" {subject:<SUBJECT$}{mark} "));
    let margin = " ".repeat(SUBJECT + 3);
    for (lead, text) in [("so: ", &finding.consequence), ("do: ", &finding.remedy)] {
        out.push_str(&text.as_ref().map_or_else(String::new, |text| sheet.wrap(text, &format!("{margin}{lead}"))));
    }
    out
}

fn badge(fitness: Fitness, sheet: Sheet) -> String {
    let (word, level) = match fitness {
        Fitness::Fit => ("fit", Level::Good),
        Fitness::Limited => ("limited", Level::Warning),
        Fitness::Unfit => ("unfit", Level::Failure),
    };
    let (mark, code) = mark(level);
    painted(&format!("{mark} {word}"), code, sheet)
}

fn mark(level: Level) -> (&'static str, u8) {
    match level {
        Level::Good => ("✔", 32),
        Level::Note => ("·", 0),
        Level::Warning => ("!", 33),
        Level::Failure => ("✘", 31),
    }
}

fn painted(text: &str, code: u8, sheet: Sheet) -> String {
    if code > 0 { sheet.paint(text, code) } else { text.to_owned() }
}

fn name(subject: Subject) -> &'static str {
    match subject {
        Subject::Server => "server",
        Subject::Build => "jetlag",
        Subject::Processor => "processor",
        Subject::Clock => "clock",
        Subject::Files => "files",
        Subject::Disk => "disk",
        Subject::Network => "network",
        Subject::Generator => "generator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checkup::{Measured, SCHEMA};
    use crate::model::manifest::Environment;

    #[test]
    fn each_finding_says_what_follows_and_what_to_do_within_eighty_columns() {
        let finding = |subject, level| Finding {
            subject,
            level,
            found: "a sentence that is long enough to need a second line, as some of them do on a terminal".to_owned(),
            consequence: (level > Level::Good).then(|| "figures suffer".to_owned()),
            remedy: (level > Level::Note).then(|| "do something about it".to_owned()),
        };
        let checkup = Checkup {
            schema: SCHEMA.to_owned(),
            fitness: Fitness::Limited,
            findings: vec![
                finding(Subject::Server, Level::Good),
                finding(Subject::Server, Level::Note),
                finding(Subject::Processor, Level::Warning),
            ],
            environment: Environment::default(),
            measured: Measured::default(),
            exit_code: 0,
        };
        let text = summary(&checkup, Sheet::FILE);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(text.matches("server").count(), 1, "{text}");
        assert!(text.contains("one warning says") && text.contains("do: do something"), "{text}");
        assert!(!text.contains('\u{1b}') && summary(&checkup, Sheet::new(80, true)).contains("\u{1b}[1;33m!"));
    }
}
