//! The checks of `[server]` and `[stream]`.

use std::time::Duration;

use super::{Findings, NUMBER_MAX};
use crate::model::units::Size;
use crate::profile::demand;
use crate::profile::document::{Compression, Discard, Document, Storage, Stream};

/// The headers of a message with an id: the line of the version, the id of sixteen digits and two numbers of up to ten.
const HEADERS_MAX: u64 = 10 + 13 + (16 + 1 + 10 + 1 + 10) + 2 + 2;
/// The largest message that a server can be told to take.
const MESSAGE_MAX: u64 = 64 << 20;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let (server, stream) = (&document.server, &document.stream);
    if let Some(version) = &server.version {
        let parts: Vec<_> = version.split('.').collect();
        let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if parts.len() != 3 || !numbers {
            let message = format!("\"{version}\" is no version of nats-server");
            findings.add(&["server.version"], message, Some("write all three numbers, like \"2.12.8\""));
        } else if let Ok(known) = version.parse()
            && let Some(demand) = demand::unmet(&demand::demands(document), known)
        {
            let message = format!("nats-server {version} is too old: {} is needed for {}", demand.version, demand.why);
            let help = format!("set server.version to {} or newer, or {}", demand.version, demand.remedy);
            findings.add(&["server.version", demand.key], message, Some(&help));
        }
    }
    let few = |count: u16| matches!(count, 1 | 3 | 5);
    if !few(server.nodes) {
        let message = format!("`nodes` is {}, expected 1, or 3 or 5 for a cluster that has a majority", server.nodes);
        findings.add(&["server.nodes"], message, None);
    }
    if !few(stream.replicas) {
        let message = format!("`replicas` is {}, expected 1, 3 or 5", stream.replicas);
        findings.add(&["stream.replicas"], message, None);
    } else if stream.replicas > server.nodes {
        let message = format!("{} replicas need as many nodes, and nodes is {}", stream.replicas, server.nodes);
        let help = format!("set server.nodes = {}", stream.replicas);
        findings.add(&["stream.replicas", "server.nodes"], message, Some(&help));
    }
    findings.range("stream.partitions", stream.partitions.into(), 1, 1024);
    // The server refuses windows and ages below this, and takes 0 for its own default.
    let least = Duration::from_millis(100);
    findings.at_least("stream.duplicate-window", stream.duplicate_window, least);
    if let Some(age) = stream.max_age {
        findings.at_least("stream.max-age", age, least);
        if stream.duplicate_window > age {
            let message = format!("the duplicate window of {} is longer than max-age {age}", stream.duplicate_window);
            findings.add(&["stream.duplicate-window", "stream.max-age"], message, Some("the server refuses that"));
        }
    }
    if let Some(bytes) = stream.max_bytes
        && !(1..=1 << 60).contains(&bytes.0)
    {
        let message = format!("`max-bytes` is {bytes}, expected 1B to 1EiB");
        findings.add(&["stream.max-bytes"], message, Some("leave it out for no limit"));
    }
    if let Some(count) = stream.max_messages {
        findings.range("stream.max-messages", count, 1, NUMBER_MAX);
    }
    if let Some(count) = stream.max_messages_per_subject {
        findings.range("stream.max-messages-per-subject", count, 1, NUMBER_MAX);
    }
    discard(stream, findings);
    message_size(document, findings);
    if stream.compression == Compression::S2 && stream.storage == Storage::Memory {
        let message = "`compression` has no effect on a stream in memory";
        findings.idle("stream.compression", "stream.storage", message);
    }
}

fn discard(stream: &Stream, findings: &mut Findings) {
    let new = stream.discard == Discard::New;
    let whole = stream.max_messages.is_some() || stream.max_bytes.is_some();
    if stream.discard_new_per_subject && (!new || stream.max_messages_per_subject.is_none()) {
        let message = "`discard-new-per-subject` is about what `max-messages-per-subject` refuses".to_owned();
        let about = ["stream.discard-new-per-subject", "stream.discard", "stream.max-messages-per-subject"];
        findings.add(&about, message, Some("set discard = \"new\" and max-messages-per-subject as well"));
    }
    if new && !whole && !stream.discard_new_per_subject {
        let message = "`discard` has no effect: no limit is set that could refuse a message".to_owned();
        findings.add(&["stream.discard"], message, Some("set max-messages or max-bytes, or discard-new-per-subject"));
    }
}

fn message_size(document: &Document, findings: &mut Findings) {
    let Some(most) = document.stream.max_message_size else { return };
    let path = "stream.max-message-size";
    let headers = if document.load.message_id { HEADERS_MAX } else { 0 };
    let needed = document.load.payload.0.saturating_add(headers);
    if most.0 > MESSAGE_MAX {
        let message = format!("`max-message-size` is {most}, expected at most {}", Size(MESSAGE_MAX));
        findings.add(&[path], message, Some("leave it out for what the server takes"));
    } else if most.0 < needed {
        let message = format!(
            "`max-message-size` is {most}, and a message is up to {needed}B: payload {}, headers up to {headers}B",
            document.load.payload
        );
        findings.add(&[path, "load.payload"], message, Some("every message would be refused"));
    }
}
