//! The checks of a strategy's consumers against the stream and the load.

use super::Findings;
use crate::profile::document::Document;
use crate::strategy::Strategy;

/// What subject, reply subject and headers add to a payload, generously.
const ENVELOPE: u64 = 1024;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let (key, replicas) = match &document.strategy {
        Strategy::LeaseGroup(settings) => ("strategy.consumer-replicas", Some(settings.consumer_replicas)),
        other => ("strategy.replicas", other.consumer().and_then(|consumer| consumer.replicas)),
    };
    if let Some(replicas) = replicas.filter(|replicas| *replicas > document.stream.replicas) {
        let message = format!("{replicas} copies of a consumer, and the stream has {}", document.stream.replicas);
        findings.add(&[key, "stream.replicas"], message, Some("a consumer lies where its stream lies"));
    }
    if let Some(bytes) = document.strategy.pulling().and_then(|pulling| pulling.max_bytes)
        && bytes.0 < document.load.payload.0 + ENVELOPE
    {
        let payload = document.load.payload;
        let message = format!("`max-bytes` is {bytes}, and a message with a payload of {payload} would not fit");
        findings.add(&["strategy.max-bytes", "load.payload"], message, Some("leave 1KiB for subject and headers"));
    }
}
