//! The checks of `[search]`.

use std::time::Duration;

use super::Findings;
use crate::model::units::Rate;
use crate::profile::document::Document;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let search = &document.search;
    findings.at_least("search.end-to-end-p99", search.end_to_end_p99(), Duration::from_millis(1));
    findings.at_least("search.within", search.within(), Duration::from_secs(1));
    findings.range("search.agree", search.agree().into(), 1, 5);
    findings.range("search.trials", search.trials().into(), 1, 1000);
    if !(0.01..=0.5).contains(&search.tolerance()) {
        let message = format!("`tolerance` is {}, expected a share from 0.01 to 0.5", search.tolerance());
        findings.add(&["search.tolerance"], message, None);
    }
    let rates = [("first", search.first), ("least", search.least), ("most", search.most)];
    for (key, rate) in rates {
        let path = format!("search.{key}");
        match rate {
            Some(Rate::Max) => {
                let message = format!("`{key}` is \"max\": a search offers rates, and a closed loop offers none");
                findings.add(&[&path], message, Some("write a rate like \"2000/s\""));
            }
            Some(Rate::PerSecond(per_s)) if !(0.01..=100_000_000.0).contains(&per_s) => {
                let message = format!("`{key}` is {per_s}/s, expected 0.01/s to 100000000/s");
                findings.add(&[&path], message, None);
            }
            _ => {}
        }
    }
    let (Rate::PerSecond(least), Rate::PerSecond(most)) = (search.least(), search.most()) else { return };
    if least > most {
        let message = format!("`least` is {least}/s, and `most` is {most}/s: there is no rate between them");
        findings.add(&["search.least", "search.most"], message, None);
    }
    if let Some(Rate::PerSecond(first)) = search.first
        && least <= most
        && !(least..=most).contains(&first)
    {
        let message = format!("`first` is {first}/s, and is not between `least` ({least}/s) and `most` ({most}/s)");
        findings.add(&["search.first", "search.least", "search.most"], message, None);
    }
}
