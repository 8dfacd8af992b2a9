//! What is wrong with a profile, as a person sees it: each problem with its line and carets.

use jetlag::profile::{self, Problems};

pub(crate) fn sets(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

/// The problems of a text, each with its line and carets below it.
pub(crate) fn drawn(problems: &Problems) -> String {
    let mut drawn = String::new();
    for problem in &problems.problems {
        let (line, column) = problems.line_and_column(problem);
        let source = &problems.sources[problem.source];
        let text = source.text.lines().nth(line - 1).unwrap_or("");
        let width = source.text[problem.span.clone()].lines().next().map_or(1, |first| first.chars().count().max(1));
        drawn += &format!("{}:{line}:{column}: {}\n", source.name, problem.message);
        drawn +=
            format!("  | {text}\n  | {}{} {}", " ".repeat(column - 1), "^".repeat(width), problem.label).trim_end();
        drawn += "\n";
        if let Some(help) = &problem.help {
            drawn += &format!("  = {help}\n");
        }
    }
    drawn
}

pub(crate) fn wrong(text: &str, set: &[&str]) -> String {
    match profile::parse("test", "test.toml", text, &sets(set)) {
        Ok(_) => panic!("this profile was taken for a good one:\n{text}"),
        Err(problems) => drawn(&problems),
    }
}
