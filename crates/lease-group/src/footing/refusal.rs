//! What the server refuses for want of a right, and which duties that keeps a member from. No input or output.

use super::Duty;

/// The names that a member's subjects are made of.
#[derive(Clone, Debug)]
pub struct Names {
    /// The group, which is also the bucket's name.
    pub group: String,
    /// The stream.
    pub stream: String,
    /// The prefix of the fences, where there is a sink.
    pub fences: Option<String>,
    /// The prefix of the liveness subjects.
    pub liveness: String,
}

/// A refusal that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The duties that cannot be done without that right.
    pub duties: Vec<Duty>,
    /// The server's words.
    pub reason: String,
}

impl Refusal {
    /// Reads the server's words, as in `Permissions Violation for Publish to "subject"`. `None` when they are about something else, or about a
    /// subject that no duty needs: where effects of the application's own go, or where only hints do.
    #[must_use]
    pub fn read(reason: &str, names: &Names) -> Option<Self> {
        let lower = reason.to_lowercase();
        let said = lower.split_once("permissions violation")?.1;
        let subject = said.split('"').nth(1)?;
        let duties = if said.contains("subscription") { heard(subject, names) } else { sent(subject, names) };
        (!duties.is_empty()).then(|| Self { duties, reason: reason.to_owned() })
    }
}

/// A subscription that is missing: answers to everything come back to inboxes.
fn heard(subject: &str, names: &Names) -> Vec<Duty> {
    if is_below(subject, &names.liveness.to_lowercase()) { Vec::new() } else { Duty::ALL.to_vec() }
}

fn sent(subject: &str, names: &Names) -> Vec<Duty> {
    let (group, stream) = (names.group.to_lowercase(), names.stream.to_lowercase());
    let bucket = format!("kv_{group}");
    let has = |part: &str| subject.contains(part);
    let is_about = |of: &str| subject.split('.').any(|token| token == of);
    if has(&format!("$kv.{group}.m.")) {
        vec![Duty::Beat]
    } else if has(&format!("$kv.{group}.l.")) {
        vec![Duty::Claim]
    } else if has("$js.ack.") || has(".consumer.msg.next.") {
        if is_about(&stream) { vec![Duty::Hear] } else { Vec::new() }
    } else if names.fences.as_ref().is_some_and(|fences| is_below(subject, &fences.to_lowercase())) {
        vec![Duty::Open]
    } else if has(".consumer.") && is_about(&bucket) {
        vec![Duty::Watch]
    } else if has(".stream.msg.get.") && is_about(&bucket) {
        vec![Duty::Claim]
    } else if has(".stream.msg.get.") || (has(".consumer.") || has(".stream.info.")) && is_about(&stream) {
        vec![Duty::Open]
    } else {
        Vec::new()
    }
}

fn is_below(subject: &str, prefix: &str) -> bool {
    subject.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Names {
        Names {
            group: "Bills".to_owned(),
            stream: "ORDERS".to_owned(),
            fences: Some("out.fence".to_owned()),
            liveness: "Bills.alive".to_owned(),
        }
    }

    fn duties(said: &str) -> Vec<Duty> {
        Refusal::read(&format!("nats: Permissions Violation for {said}"), &names())
            .map_or_else(Vec::new, |it| it.duties)
    }

    #[test]
    fn a_refusal_keeps_a_member_from_what_needs_that_subject_and_from_nothing_else() {
        for (said, expected) in [
            ("Publish to \"$KV.Bills.m.0f\"", vec![Duty::Beat]),
            ("Publish to \"$KV.Bills.l.3\"", vec![Duty::Claim]),
            ("Publish to \"$JS.hub.API.$KV.Bills.l.3\"", vec![Duty::Claim]),
            ("Publish to \"$JS.API.STREAM.MSG.GET.KV_Bills\"", vec![Duty::Claim]),
            ("Publish to \"$JS.API.CONSUMER.CREATE.KV_Bills.x.$KV.Bills.>\"", vec![Duty::Watch]),
            ("Publish to \"$JS.API.CONSUMER.CREATE.ORDERS.Bills-p1-e2.orders.p.1\"", vec![Duty::Open]),
            ("Publish to \"$JS.API.CONSUMER.NAMES.ORDERS\"", vec![Duty::Open]),
            ("Publish to \"$JS.API.STREAM.INFO.ORDERS\"", vec![Duty::Open]),
            ("Publish to \"$JS.API.STREAM.MSG.GET.OUT\"", vec![Duty::Open]),
            ("Publish to \"out.fence.7\"", vec![Duty::Open]),
            ("Publish to \"$JS.API.CONSUMER.MSG.NEXT.ORDERS.Bills-p1-e2\"", vec![Duty::Hear]),
            ("Publish to \"$JS.ACK.ORDERS.Bills-p1-e2.1.2.3.4.5\"", vec![Duty::Hear]),
            ("Subscription to \"_INBOX.abc.*\"", Duty::ALL.to_vec()),
            ("Publish to \"out.bill.7\"", vec![]),
            ("Publish to \"Bills.alive.0f\"", vec![]),
            ("Subscription to \"Bills.alive.0f\"", vec![]),
            ("Publish to \"$KV.Others.l.3\"", vec![]),
            ("Publish to \"$JS.API.CONSUMER.NAMES.OTHERS\"", vec![]),
        ] {
            assert_eq!(duties(said), expected, "{said}");
        }
        assert_eq!(Refusal::read("nats: maximum payload exceeded", &names()), None);
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_is_read_without_a_panic(text in ".{0,200}") {
            let _ = Refusal::read(&text, &names());
            let _ = Refusal::read(&format!("Permissions Violation for {text}"), &names());
        }
    }
}
