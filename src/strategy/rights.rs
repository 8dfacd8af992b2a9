//! Rights: what a run must be allowed to publish and to subscribe to, strategy by strategy.
//!
//! Pure. The driver tries each before it makes anything; `docs/your-server.md` shows them; `tests/e2e/rights.rs` runs every
//! strategy as a user who may do this and nothing else.

use super::effects::{self, Sink};
use super::{Strategy, lease_group};
use crate::fault::step_down::Of;

/// What one right is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// To publish.
    Publish,
    /// To subscribe.
    Subscribe,
}

/// One right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// To do what.
    pub act: Act,
    /// The subjects to be granted: each run has names of its own, so these have wildcards in their place.
    pub grant: String,
    /// One of these subjects, which has a meaning in this run only: a message there, before the run has made anything, moves nothing.
    pub tried: String,
    /// What it is for, as in "to …".
    pub why: &'static str,
}

/// The names of a run that subjects are made of.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// What JetStream's own subjects begin with.
    pub api: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The group: durables and buckets are named after it.
    pub group: &'a str,
    /// A subject that is published to.
    pub subject: &'a str,
}

/// What may differ from run to run in a subject.
enum Part<'a> {
    Name(&'a str),
    /// The rest, of any length.
    Rest(&'a str),
}

use Part::{Name, Rest};

impl Names<'_> {
    /// The right to a request of JetStream's.
    fn request(&self, verb: &str, parts: &[Part<'_>], why: &'static str) -> Right {
        publish(&format!("{}.{verb}", self.api), parts, why)
    }

    fn bucket(&self) -> String {
        format!("KV_{}", self.group)
    }

    /// Where a value is put: in a domain of its own below that domain's prefix.
    fn put(&self, why: &'static str) -> Right {
        let prefix = if self.api == "$JS.API" { "$KV".to_owned() } else { format!("{}.$KV", self.api) };
        publish(&prefix, &[Name(self.group), Rest("jetlag")], why)
    }
}

fn publish(prefix: &str, parts: &[Part<'_>], why: &'static str) -> Right {
    let (mut grant, mut tried) = (prefix.to_owned(), prefix.to_owned());
    for part in parts {
        let (wildcard, name) = match part {
            Name(name) => ("*", name),
            Rest(name) => (">", name),
        };
        grant = format!("{grant}.{wildcard}");
        tried = format!("{tried}.{name}");
    }
    Right { act: Act::Publish, grant, tried, why }
}

impl Strategy {
    /// Everything that driver, publishers and members of a run need with this strategy.
    #[must_use]
    pub fn rights(&self, names: &Names<'_>) -> Vec<Right> {
        let mut rights = everybody(names);
        rights.extend(match self {
            Self::LeaseGroup(settings) => leases(settings, names),
            Self::SharedPull(settings) => {
                let looks =
                    names.request("CONSUMER.INFO", &[Name(names.stream), Name(names.group)], "find the consumer");
                let looks =
                    (settings.path == super::shared_pull::Path::Messages).then_some(looks).into_iter().collect();
                [made_before(names), pulls(names), acks(names), looks].concat()
            }
            Self::Serial(_) => [made_before(names), pulls(names), acks(names)].concat(),
            Self::QueueGroup(settings) => {
                let flow =
                    publish("$JS.FC", &[Rest(&format!("{}.jetlag", names.stream))], "answer questions of flow control");
                let flow = settings.flow_control.then_some(flow).into_iter().collect();
                [made_before(names), acks(names), flow].concat()
            }
            Self::Ordered(_) => [unnamed(names), pulls(names)].concat(),
            Self::Pinned(_) => [made_before(names), pulls(names), acks(names), unpins(names)].concat(),
            Self::KeySequence(_) => [made_before(names), pulls(names), acks(names), sequences(names)].concat(),
            Self::CoreQueue(_) => hears(names),
            // What a program of the user's own needs, the user knows.
            Self::External(_) => Vec::new(),
        });
        if self.max_deliver().is_some() {
            rights.push(drops(names));
        }
        rights
    }
}

/// The stream is made, looked into and removed, messages go in, answers come back.
fn everybody(names: &Names<'_>) -> Vec<Right> {
    let inbox = Right {
        act: Act::Subscribe,
        grant: "_INBOX.>".to_owned(),
        tried: format!("_INBOX.{}.rights", names.group),
        why: "hear answers, and be given messages",
    };
    let load = Right {
        act: Act::Publish,
        grant: "jetlag.>".to_owned(),
        tried: names.subject.to_owned(),
        why: "send the load",
    };
    let stream = || [Name(names.stream)];
    vec![
        inbox,
        load,
        names.request("STREAM.CREATE", &stream(), "make the run's stream"),
        names.request("STREAM.INFO", &stream(), "see that the stream is there"),
        names.request("STREAM.DELETE", &stream(), "remove the stream at the end"),
    ]
}

/// The bucket `bucket` in which the balances of the workload `ledger` are kept: made, written, and read back at the end.
#[must_use]
pub fn accounts(names: &Names<'_>, bucket: &str) -> Vec<Right> {
    let names = Names { group: bucket, ..*names };
    let stream = names.bucket();
    let mut rights = bucket_made(&names);
    rights.extend([
        names.request("DIRECT.GET", &[Name(&stream), Rest("jetlag")], "look up the balance of an account"),
        names.request("CONSUMER.CREATE", &[Name(&stream)], "read the balances back"),
        publish("$JS.FC", &[Rest(&format!("{stream}.jetlag"))], "keep the reading of the balances flowing"),
        names.put("write the balance of an account"),
    ]);
    rights
}

/// What publishers need that are not answered: they probe how far they have got.
#[must_use]
pub fn probes(names: &Names<'_>) -> Right {
    publish("_INBOX", &[Rest(&format!("{}.probe", names.group))], "see how far what was sent has got")
}

/// What reading the stream back at the end needs: a consumer of the driver's own.
#[must_use]
pub fn read_back(names: &Names<'_>) -> Vec<Right> {
    let why = "read the stream back at the end";
    vec![
        names.request("CONSUMER.CREATE", &[Name(names.stream)], why),
        names.request("CONSUMER.MSG.NEXT", &[Name(names.stream), Name(names.group)], why),
        names.request("STREAM.MSG.GET", &[Name(names.stream)], why),
        names.request("CONSUMER.DELETE", &[Name(names.stream), Name(names.group)], why),
    ]
}

/// What asking a leader to step down needs. The cluster's own leader is asked as the system account, which is no right.
#[must_use]
pub fn step_down(of: Of, names: &Names<'_>) -> Vec<Right> {
    let bucket = names.bucket();
    match of {
        Of::Stream => {
            vec![names.request("STREAM.LEADER.STEPDOWN", &[Name(names.stream)], "let the stream's leader step down")]
        }
        Of::Bucket => vec![
            names.request("STREAM.LEADER.STEPDOWN", &[Name(&bucket)], "let the bucket's leader step down"),
            names.request("STREAM.INFO", &[Name(&bucket)], "see who leads the bucket"),
        ],
        Of::Consumer => vec![
            names.request("CONSUMER.LIST", &[Name(names.stream)], "see which consumers have a leader"),
            names.request(
                "CONSUMER.LEADER.STEPDOWN",
                &[Name(names.stream), Name(names.group)],
                "let a consumer's leader step down",
            ),
        ],
        Of::Meta => Vec::new(),
    }
}

fn hears(names: &Names<'_>) -> Vec<Right> {
    vec![Right {
        act: Act::Subscribe,
        grant: "jetlag.>".to_owned(),
        tried: names.subject.to_owned(),
        why: "hear the messages as they come in",
    }]
}

fn drops(names: &Names<'_>) -> Right {
    let prefix = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES";
    Right {
        act: Act::Subscribe,
        grant: format!("{prefix}.>"),
        tried: format!("{prefix}.{}.{}", names.stream, names.group),
        why: "hear which messages the server delivers no more",
    }
}

fn made_before(names: &Names<'_>) -> Vec<Right> {
    vec![names.request("CONSUMER.CREATE", &[Name(names.stream), Rest(names.group)], "make the durables")]
}

fn made_on_the_way(names: &Names<'_>) -> Vec<Right> {
    vec![names.request("CONSUMER.CREATE", &[Name(names.stream), Rest(names.group)], "open consumers")]
}

fn unnamed(names: &Names<'_>) -> Vec<Right> {
    vec![names.request("CONSUMER.CREATE", &[Name(names.stream)], "open consumers")]
}

fn pulls(names: &Names<'_>) -> Vec<Right> {
    vec![names.request("CONSUMER.MSG.NEXT", &[Name(names.stream), Name(names.group)], "pull messages")]
}

fn acks(names: &Names<'_>) -> Vec<Right> {
    vec![publish("$JS.ACK", &[Rest(&format!("{}.{}.1.1.1.1.1", names.stream, names.group))], "acknowledge messages")]
}

fn unpins(names: &Names<'_>) -> Vec<Right> {
    vec![names.request("CONSUMER.UNPIN", &[Name(names.stream), Name(names.group)], "give pins back")]
}

fn sequences(names: &Names<'_>) -> Vec<Right> {
    let bucket = names.bucket();
    let mut rights = bucket_made(names);
    rights.extend([
        names.request("STREAM.MSG.GET", &[Name(&bucket)], "look up the last sequence of a key"),
        names.put("store the last sequence of a key"),
    ]);
    rights
}

/// Stream and bucket are made by the same request, so the rest of that is everybody's right already.
fn bucket_made(names: &Names<'_>) -> Vec<Right> {
    vec![Right {
        act: Act::Publish,
        grant: format!("{}.INFO", names.api),
        tried: format!("{}.INFO", names.api),
        why: "see what JetStream can do before a bucket is made",
    }]
}

fn leases(settings: &lease_group::Settings, names: &Names<'_>) -> Vec<Right> {
    let bucket = names.bucket();
    let pushed = settings.deliver_by == lease_group::DeliverBy::Push;
    let given = if pushed {
        vec![publish("$JS.FC", &[Rest(&format!("{}.jetlag", names.stream))], "answer questions of flow control")]
    } else {
        pulls(names)
    };
    let mut rights = [made_on_the_way(names), given, bucket_made(names)].concat();
    rights.extend([
        names.request("CONSUMER.NAMES", &[Name(names.stream)], "find the consumers of former owners"),
        names.request("CONSUMER.INFO", &[Name(names.stream), Name(names.group)], "see what former owners had handled"),
        names.request(
            "CONSUMER.DELETE",
            &[Name(names.stream), Name(names.group)],
            "take former owners their consumers",
        ),
        names.request("CONSUMER.CREATE", &[Name(&bucket)], "watch the leases"),
        names.request("STREAM.MSG.GET", &[Name(&bucket)], "read a lease"),
        names.request("STREAM.PURGE", &[Name(&bucket)], "clear away the heartbeats of dead members"),
        names.put("claim, renew and release leases"),
        publish("$JS.FC", &[Rest(&format!("{bucket}.jetlag"))], "keep the watch on the leases flowing"),
    ]);
    if settings.commit != lease_group::Commit::Checkpoint {
        rights.extend(acks(names));
    }
    if settings.sink != Sink::None {
        let sink = effects::stream_of(names.group);
        rights.extend([
            names.request("CONSUMER.CREATE", &[Name(&sink)], "read the effects back"),
            names.request("CONSUMER.MSG.NEXT", &[Name(&sink), Name(names.group)], "pull the effects"),
            names.request("STREAM.MSG.GET", &[Name(&sink)], "read a fence"),
        ]);
    }
    if !settings.hints.is_empty() {
        rights.push(Right {
            act: Act::Subscribe,
            grant: "jetlag.>".to_owned(),
            tried: format!("{}.rights", names.subject),
            why: "find out who is gone",
        });
    }
    rights
}

/// The section of a server's configuration that grants `rights`.
#[must_use]
pub fn permissions(rights: &[Right]) -> String {
    let list = |act: Act| {
        let mut grants: Vec<_> =
            rights.iter().filter(|right| right.act == act).map(|right| format!("\"{}\"", right.grant)).collect();
        grants.sort_unstable();
        grants.dedup();
        grants.join(", ")
    };
    format!(
        "permissions {{\n  publish {{ allow: [ {} ] }}\n  subscribe {{ allow: [ {} ] }}\n}}",
        list(Act::Publish),
        list(Act::Subscribe)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{pinned, shared_pull};

    fn names() -> Names<'static> {
        Names { api: "$JS.API", stream: "S", group: "G", subject: "jetlag.1.p.0" }
    }

    /// Whether a subject lies in what is granted.
    fn lies_in(subject: &str, grant: &str) -> bool {
        let (mut subject, mut grant) = (subject.split('.'), grant.split('.'));
        loop {
            match (subject.next(), grant.next()) {
                (Some(_), Some(">")) | (None, None) => return true,
                (Some(token), Some(pattern)) if pattern == "*" || pattern == token => {}
                _ => return false,
            }
        }
    }

    fn all() -> [Strategy; 4] {
        let explicit = lease_group::Settings { commit: lease_group::Commit::Explicit, ..Default::default() };
        [
            Strategy::LeaseGroup(lease_group::Settings {
                sink: Sink::Fenced,
                hints: [lease_group::Hint::Probe].into(),
                ..explicit
            }),
            Strategy::SharedPull(shared_pull::Settings::default()),
            Strategy::Pinned(pinned::Settings::default()),
            Strategy::KeySequence(crate::strategy::key_sequence::Settings::default()),
        ]
    }

    #[test]
    fn what_is_tried_lies_in_what_is_granted_and_is_no_other_runs() {
        for strategy in all() {
            for right in strategy.rights(&names()) {
                assert!(lies_in(&right.tried, &right.grant), "{right:?}");
                // What is asked of the account is asked of all.
                if right.tried == "$JS.API.INFO" {
                    continue;
                }
                let own = right.tried.split(['.', '_', '-']).any(|token| ["S", "G", "1"].contains(&token));
                assert!(own && !right.tried.contains(['*', '>']), "{right:?}");
            }
        }
    }

    #[test]
    fn a_domain_is_in_every_request_and_in_no_ack() {
        let names = Names { api: "$JS.hub.API", ..names() };
        let [group, ..] = all();
        for right in group.rights(&names).into_iter().filter(|right| right.grant.starts_with('$')) {
            let plain = ["$JS.ACK.", "$JS.FC."].iter().any(|prefix| right.grant.starts_with(prefix));
            assert_eq!(right.grant.starts_with("$JS.hub.API."), !plain, "{right:?}");
        }
    }

    #[test]
    fn the_section_grants_each_once() {
        let [.., key_sequence] = all();
        let section = permissions(&key_sequence.rights(&names()));
        assert_eq!(section.matches("$JS.API.STREAM.CREATE.*").count(), 1, "{section}");
        assert!(section.contains("subscribe { allow: [ \"_INBOX.>\" ] }"), "{section}");
    }
}
