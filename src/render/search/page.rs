//! A search as a page: the answer, the curve up to the knee, and every trial. One file, no network.

use askama::Template;

use super::words;
use crate::model::search::{Search, Trial};
use crate::render::plot::{self, Plot, knee};
use crate::render::{html, number, origin};

#[derive(Template)]
#[template(path = "search.html")]
struct Page<'a> {
    search: &'a Search,
    style: String,
    ending: words::Ending,
    headline: &'a str,
    subject: String,
    figures: [&'static str; 6],
    trials: Vec<Row<'a>>,
    legend: &'static str,
    terms: Vec<(&'static str, String)>,
    environment: Vec<(&'static str, String)>,
    plots: Vec<Plot>,
}

struct Row<'a> {
    trial: &'a Trial,
    link: String,
    figures: [String; 6],
    class: &'static str,
    verdict: String,
    why: String,
    took: String,
}

/// The page.
pub(super) fn render(search: &Search) -> String {
    Page {
        search,
        style: plot::palette::style_sheet(),
        ending: words::ending(search),
        headline: words::headline(search),
        subject: words::subject(search),
        figures: words::FIGURES,
        trials: search.trials.iter().map(row).collect(),
        legend: words::LEGEND,
        terms: words::terms(&search.terms),
        environment: search.origin.as_ref().map_or_else(Vec::new, |origin| origin::details(&origin.environment)),
        plots: plots(search),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

/// The pictures.
pub(super) fn plots(search: &Search) -> Vec<Plot> {
    [knee::latency(search), knee::throughput(search)].into_iter().flatten().collect()
}

fn row(trial: &Trial) -> Row<'_> {
    Row {
        trial,
        // The names of these folders are made of letters that stand in an address as they are.
        link: format!("{}/{}", trial.path.trim_end_matches('/'), html::FORMAT.file),
        figures: words::figures(trial),
        class: words::class(trial.verdict),
        verdict: format!("{} {}", words::mark(trial.verdict), trial.verdict),
        why: words::why(trial),
        took: number::ms(trial.seen.took_s * 1e3),
    }
}
