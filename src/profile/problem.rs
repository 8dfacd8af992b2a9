//! What is wrong with a profile: values with a place, collected; turning them into text is the front door's work.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, a sentence in lower case.
    pub message: String,
    /// Which of [`Problems::sources`] it is in.
    pub source: usize,
    /// Where in that source, in bytes.
    pub span: Range<usize>,
    /// What is to be seen at the caret, mostly what was expected; may be empty.
    pub label: String,
    /// What to do about it, when there is something to say.
    pub help: Option<String>,
}

/// A text that was read: the profile file, or one `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path of the file, or `--set a.b=c`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Everything that is wrong, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The texts.
    pub sources: Vec<Source>,
    /// The problems: never empty.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// The 1-based line and column (in characters) of a problem.
    #[must_use]
    pub fn line_and_column(&self, problem: &Problem) -> (usize, usize) {
        let text = self.sources.get(problem.source).map_or("", |source| source.text.as_str());
        let before = text.get(..problem.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Display for Problems {
    /// One line a problem, `file:line:column: message, label (help)`, for logs; the terminal gets carets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let name = self.sources.get(problem.source).map_or("", |source| source.name.as_str());
            let (line, column) = self.line_and_column(problem);
            let separator = if n == 0 { "" } else { "\n" };
            write!(f, "{separator}{name}:{line}:{column}: {}", problem.message)?;
            if !problem.label.is_empty() {
                write!(f, ", {}", problem.label)?;
            }
            if let Some(help) = &problem.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
