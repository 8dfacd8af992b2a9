//! The checks of the stream against the strategy: a stream that would lose, or never deliver, what the strategy's
//! consumers need. What these need is the strategy's to say (`strategy/footing.rs`).

use super::Findings;
use crate::profile::document::{Discard, Document, Publish, Retention, Routing};
use crate::strategy::Strategy;
use crate::strategy::consumer::Deliver;

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
    let copies = document.strategy.consumer().and_then(|consumer| consumer.replicas);
    if let Some(copies) = copies.filter(|copies| stream.retention != Retention::Limits && *copies != stream.replicas) {
        let message = format!(
            "a consumer with {copies} copies cannot decide what a stream with {} copies keeps",
            stream.replicas
        );
        let help = "leave `replicas` out: with interest and work-queue retention a consumer has as many as the stream";
        findings.add(&["strategy.replicas", "stream.retention", "stream.replicas"], message, Some(help));
    }
    without_places(document, findings);
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

/// What is published without an acknowledgement of its own has no known place in the stream, until somebody is given it.
fn without_places(document: &Document, findings: &mut Findings) {
    let publish = document.load.publish;
    if publish == Publish::FastBatch {
        let why = "where in the stream a message of a fast batch stands is known only when it is delivered";
        if let Some(limit) = evicting(document) {
            let message = format!("{why}, so nobody could tell what was evicted from what was lost");
            findings.add(&[limit, "load.publish"], message, Some("publish \"windowed\", or leave the limit out"));
        }
        let deliver = document.strategy.consumer().map(|consumer| consumer.deliver);
        if document.load.backlog > 0 && deliver.is_some_and(|deliver| deliver != Deliver::All) {
            let message = format!("{why}, so nobody could tell what was not offered from what was lost");
            findings.add(
                &["strategy.deliver", "load.publish"],
                message,
                Some("publish \"windowed\", or deliver \"all\""),
            );
        }
    }
    if publish == Publish::Core && matches!(document.strategy, Strategy::KeySequence(_)) {
        let message = "a message that core NATS loses on its way to the stream stops its key for ever".to_owned();
        findings.add(&["load.publish", "strategy.kind"], message, Some("publish \"windowed\""));
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
