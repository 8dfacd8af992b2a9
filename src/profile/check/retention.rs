//! The checks of the stream against the strategy: a stream that would lose, or never deliver, what the strategy's
//! consumers need. What these need is the strategy's to say (`strategy/footing.rs`).

use super::Findings;
use crate::profile::document::{Discard, Document, Retention, Routing};

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let (stream, footing, kind) = (&document.stream, document.strategy.footing(), document.strategy.kind());
    let (name, objections) = match stream.retention {
        Retention::Limits => ("limits", Vec::new()),
        Retention::Interest => ("interest", footing.against_interest()),
        Retention::WorkQueue => ("work-queue", footing.against_work_queue()),
    };
    if !objections.is_empty() {
        let message = format!("{kind} cannot work on a stream with {name} retention: {}", objections.join("; "));
        let help = "use retention \"limits\", or a strategy whose durables last";
        findings.add(&["stream.retention", "strategy.kind"], message, Some(help));
    }
    if stream.retention == Retention::Interest && document.load.backlog > 0 {
        let message = "interest retention drops a backlog: nobody is there yet who is interested in it".to_owned();
        let help = "use retention \"limits\" or \"work-queue\", or no backlog";
        findings.add(&["load.backlog", "stream.retention"], message, Some(help));
    }
    if let (Routing::Server, Some(why)) = (stream.routing, footing.against_routing()) {
        let message = format!("{kind} cannot work where the server finds the partition: {why}");
        findings.add(&["stream.routing", "strategy.kind"], message, Some("use routing \"client\""));
    }
    if let (Some(limit), Some(why)) = (evicting(document), footing.against_eviction()) {
        let message = format!("{kind} cannot work on a stream that evicts: {why}");
        let help = "discard = \"new\" with max-messages refuses what is too much instead of evicting";
        findings.add(&[limit, "strategy.kind"], message, Some(help));
    }
}

/// The limit that may evict what nobody has handled.
fn evicting(document: &Document) -> Option<&'static str> {
    let (stream, run) = (&document.stream, &document.run);
    // What is older than the whole run can be is never reached.
    let longest = run.warm_up.0.saturating_add(run.measure.0).saturating_add(run.drain.0);
    let old = stream.discard == Discard::Old;
    let limits = [
        ("stream.max-messages", old && stream.max_messages.is_some()),
        ("stream.max-bytes", old && stream.max_bytes.is_some()),
        (
            "stream.max-messages-per-subject",
            stream.max_messages_per_subject.is_some() && !stream.discard_new_per_subject,
        ),
        ("stream.max-age", stream.max_age.is_some_and(|age| age.0 <= longest)),
    ];
    limits.into_iter().find(|(_, evicts)| *evicts).map(|(path, _)| path)
}
