//! What the definitions of strategies rule out: keys of other strategies' consumers that they do not have, and why.

/// Why a strategy does not have a key that consumers of other strategies have.
#[must_use]
pub fn ruled_out(kind: &str, key: &str) -> Option<&'static str> {
    let reason = match (kind, key) {
        ("serial", "max-ack-pending" | "batch" | "threshold" | "max-bytes") => {
            "serial is one message unacknowledged at most, and pulls one at a time"
        }
        ("serial" | "pinned" | "key-sequence", "ack") => {
            "it acknowledges each message by itself: anything else would let a message be passed over"
        }
        ("serial" | "pinned" | "key-sequence", "max-deliver") => {
            "a message that the server drops leaves a hole in the order that it keeps"
        }
        ("serial" | "pinned", "back-off") => {
            "a member reckons with one ack-wait when it decides whether it may still begin a message"
        }
        ("key-sequence", "back-off") => {
            "what comes too early comes again after delay, and what is not acknowledged after ack-wait"
        }
        ("serial", "max-wait") => "a pull is kept open for half of the ack-wait, so that its message is young",
        ("pinned", "max-wait" | "threshold" | "max-bytes") => {
            "pulls keep the pin: they are open for half of pin-ttl at most, and ask for one message where one may be out"
        }
        (
            "lease-group",
            "ack" | "double-ack" | "max-deliver" | "back-off" | "durable" | "inactive-threshold" | "deliver" | "replay",
        ) => {
            "the group makes a consumer for each epoch and commits by itself (commit); what fails is tried again in place"
        }
        ("lease-group", "memory-storage" | "replicas") => "there it is called consumer-storage and consumer-replicas",
        (
            "ordered",
            "ack" | "ack-wait" | "double-ack" | "max-deliver" | "back-off" | "durable" | "max-ack-pending" | "deliver",
        ) => "an ordered consumer is ephemeral and acknowledges nothing; where it begins is called start",
        ("shared-pull" | "serial" | "pinned" | "key-sequence", "idle-heartbeat" | "flow-control") => {
            "a consumer that is pulled from needs neither: a pull is a heartbeat and a brake"
        }
        ("queue-group", "batch" | "max-wait" | "threshold" | "max-bytes") => {
            "the server pushes: nobody asks it for a number of messages"
        }
        _ => return None,
    };
    Some(reason)
}
