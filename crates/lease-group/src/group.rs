//! A group and how it is described.

use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectOptions;

use crate::error::{BuildError, JoinError};
use crate::footing::Names;
use crate::member::Member;
use crate::observer::{Observer, Silence};
use crate::options::{Commit, ConsumerStorage, DeliverBy, Hints, Sink, Takeover};

/// The placeholder for the partition's number in a subject template.
const PLACEHOLDER: &str = "{partition}";

/// How many partitions of a member that are behind are sent messages at once: all there can be.
const CATCH_UP: u32 = 4096;

/// A partitioned consumer group on one stream: a description, good for any number of [`join`](Self::join)s.
#[derive(Clone)]
pub struct Group {
    pub(crate) settings: Arc<Settings>,
}

pub(crate) struct Settings {
    pub(crate) servers: String,
    pub(crate) connect: ConnectOptions,
    /// What JetStream's own subjects begin with.
    pub(crate) api_prefix: String,
    pub(crate) stream: String,
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) partitions: u32,
    pub(crate) ttl: Duration,
    pub(crate) max_handling: Duration,
    pub(crate) commit: Commit,
    pub(crate) takeover: Takeover,
    pub(crate) deliver_by: DeliverBy,
    pub(crate) consumer_storage: ConsumerStorage,
    pub(crate) consumer_replicas: usize,
    pub(crate) batch: u32,
    pub(crate) catch_up: u32,
    pub(crate) worker: String,
    pub(crate) sink: Option<Sink>,
    pub(crate) hints: Option<Hints>,
    pub(crate) unsafe_hints: bool,
    pub(crate) ride_out: Option<Duration>,
    /// What the subjects begin with on which members are probed.
    pub(crate) liveness: String,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Settings {
    pub(crate) fn subject_of(&self, partition: u32) -> String {
        self.subject.replace(PLACEHOLDER, &partition.to_string())
    }

    /// What all members must agree on, as it stands in the bucket's description.
    pub(crate) fn identity(&self) -> String {
        let fenced = self.sink.as_ref().map_or_else(String::new, |sink| {
            // A member that writes without the fence, or under another one, would undo it for all.
            format!(", effects in stream {} fenced at {}", sink.stream, sink.fences)
        });
        format!("lease-group 1: {} partitions of stream {} at {}{fenced}", self.partitions, self.stream, self.subject)
    }

    /// What its subjects are made of.
    pub(crate) fn names(&self) -> Names {
        Names {
            group: self.name.clone(),
            stream: self.stream.clone(),
            fences: self.sink.as_ref().map(|sink| sink.fences.clone()),
            liveness: self.liveness.clone(),
        }
    }

    /// How long one request to the server may take: a third of the lease, so that a renewal can be tried again before the deadline.
    pub(crate) fn request_timeout(&self) -> Duration {
        (self.ttl / 3).clamp(Duration::from_millis(50), Duration::from_secs(2))
    }

    /// How often the server speaks up where it has nothing to deliver. After three times that in silence an epoch ends.
    pub(crate) fn heartbeat(&self) -> Duration {
        (self.ttl / 2).clamp(Duration::from_millis(250), Duration::from_secs(5))
    }

    /// Whether messages are acknowledged.
    pub(crate) fn acknowledges(&self) -> bool {
        !matches!(self.commit, Commit::Checkpoint { .. }) || matches!(self.takeover, Takeover::Resume { .. })
    }
}

impl Group {
    /// Begins a description. `servers` is one NATS URL, or several separated by commas.
    pub fn builder(servers: impl Into<String>) -> GroupBuilder {
        GroupBuilder {
            settings: Settings {
                servers: servers.into(),
                connect: ConnectOptions::new(),
                api_prefix: "$JS.API".to_owned(),
                stream: String::new(),
                name: String::new(),
                subject: String::new(),
                partitions: 0,
                ttl: Duration::from_secs(5),
                max_handling: Duration::from_secs(300),
                commit: Commit::default(),
                takeover: Takeover::default(),
                deliver_by: DeliverBy::default(),
                consumer_storage: ConsumerStorage::Memory,
                consumer_replicas: 1,
                batch: 500,
                catch_up: CATCH_UP,
                worker: "worker".to_owned(),
                sink: None,
                hints: None,
                unsafe_hints: false,
                ride_out: None,
                liveness: String::new(),
                observer: Arc::new(Silence),
            },
        }
    }

    /// Joins as a new session: connects twice, checks the stream, makes the lease bucket if there is none, and starts the control
    /// thread. Messages flow once [`Member::run`] is called, on the same runtime.
    ///
    /// # Errors
    /// [`JoinError`] says what is missing or does not fit.
    pub async fn join(&self) -> Result<Member, JoinError> {
        Member::join(Arc::clone(&self.settings)).await
    }
}

/// Describes a [`Group`].
pub struct GroupBuilder {
    settings: Settings,
}

impl GroupBuilder {
    /// Credentials, TLS and the like, used for both connections. The event callback is replaced: events go to the
    /// [`observer`](Self::observer).
    #[must_use]
    pub fn connect_options(mut self, options: ConnectOptions) -> Self {
        self.settings.connect = options;
        self
    }

    /// The JetStream domain that stream and bucket are in, where it is another one than that of the server connected to.
    #[must_use]
    pub fn domain(mut self, domain: impl AsRef<str>) -> Self {
        self.settings.api_prefix = format!("$JS.{}.API", domain.as_ref());
        self
    }

    /// The stream to consume. It must have limits retention; with [`Takeover::Resume`] it may be a work queue, too.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.settings.stream = stream.into();
        self
    }

    /// The group's name, which is the name of its bucket and begins the names of its consumers.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Partition p is what was published to exactly `<prefix>.<p>`.
    #[must_use]
    pub fn subject_prefix(self, prefix: impl AsRef<str>) -> Self {
        self.subject(format!("{}.{PLACEHOLDER}", prefix.as_ref()))
    }

    /// Partition p is what matches this subject with `{partition}` replaced, such as `orders.{partition}.>`.
    #[must_use]
    pub fn subject(mut self, template: impl Into<String>) -> Self {
        self.settings.subject = template.into();
        self
    }

    /// How many partitions there are, 0 to n - 1. All members must say the same.
    #[must_use]
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.settings.partitions = partitions;
        self
    }

    /// How long the others wait for a silent owner: a crash pauses its partitions that long. Five seconds by default. The owner
    /// renews every third of it and stops itself at 0.85 of it.
    #[must_use]
    pub fn lease_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = ttl;
        self
    }

    /// How long one message may be handled, retries included, before the member gives up its part in the group until the handler
    /// returns. Five minutes by default, like Kafka's `max.poll.interval.ms`.
    #[must_use]
    pub fn max_handling(mut self, max_handling: Duration) -> Self {
        self.settings.max_handling = max_handling;
        self
    }

    /// How progress is committed.
    #[must_use]
    pub fn commit(mut self, commit: Commit) -> Self {
        self.settings.commit = commit;
        self
    }

    /// How partitions are taken over.
    #[must_use]
    pub fn takeover(mut self, takeover: Takeover) -> Self {
        self.settings.takeover = takeover;
        self
    }

    /// How messages come to their owner.
    #[must_use]
    pub fn deliver_by(mut self, deliver_by: DeliverBy) -> Self {
        self.settings.deliver_by = deliver_by;
        self
    }

    /// Where private consumers keep their state, and on how many servers: in memory and on one by default. A replicated one takes an
    /// election to create, so every takeover waits for one.
    #[must_use]
    pub fn consumers(mut self, storage: ConsumerStorage, replicas: usize) -> Self {
        self.settings.consumer_storage = storage;
        self.settings.consumer_replicas = replicas;
        self
    }

    /// How many messages are pulled at once, 500 by default: what is buffered per partition is at most one and a half times that. Of pushed
    /// ones twice as many are unacknowledged at most.
    #[must_use]
    pub fn batch(mut self, batch: u32) -> Self {
        self.settings.batch = batch;
        self
    }

    /// How many partitions of one member that are behind are sent messages at the same time, all by default; with fewer the others wait for
    /// their turn, in order. Those that keep up never wait. Every consumer that is sent messages is work for the server, side by side with the
    /// rest.
    #[must_use]
    pub fn catch_up(mut self, at_once: u32) -> Self {
        self.settings.catch_up = at_once;
        self
    }

    /// A label for people, and a hint: a restarted worker prefers the partitions that its label had. It identifies nobody.
    #[must_use]
    pub fn worker(mut self, label: impl Into<String>) -> Self {
        self.settings.worker = label.into();
        self
    }

    /// Where handlers write their effects, with [`Message::output`](crate::Message::output): no effect of a superseded owner is
    /// ever stored there. All members must say the same.
    #[must_use]
    pub fn sink(mut self, sink: Sink) -> Self {
        self.settings.sink = Some(sink);
        self
    }

    /// What may tell earlier than the lease that an owner is gone. Since a hint may be false, this needs a [`sink`](Self::sink) that all
    /// effects are written to.
    #[must_use]
    pub fn hints(mut self, hints: Hints) -> Self {
        self.settings.hints = Some(hints);
        self
    }

    /// Takes hints without a sink. **Exclusion is void until the old owner's deadline:** after a false hint two members handle messages
    /// of one partition, and nothing keeps apart what they cause.
    #[must_use]
    pub fn unsafe_hints(mut self, taken: bool) -> Self {
        self.settings.unsafe_hints = taken;
        self
    }

    /// How long after its last confirmed renewal an owner goes on while nobody answers for the bucket, as when a cluster elects its leader anew.
    /// Without it, all owners stop at 0.85 of the lease. Since another member may be answered, **exclusion then rests on the fence
    /// alone:** it needs a [`sink`](Self::sink) that all effects are written to.
    #[must_use]
    pub fn ride_out(mut self, at_most: Duration) -> Self {
        self.settings.ride_out = Some(at_most);
        self
    }

    /// What the subjects begin with on which members are probed, `<group>.alive` by default: `<prefix>.<session>`, and `<prefix>.gone`, where
    /// they tell each other. No stream may store them.
    #[must_use]
    pub fn liveness_subject(mut self, prefix: impl Into<String>) -> Self {
        self.settings.liveness = prefix.into();
        self
    }

    /// Who listens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.settings.observer = Arc::new(observer);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`BuildError`] with all problems at once.
    pub fn build(self) -> Result<Group, BuildError> {
        let mut settings = self.settings;
        if settings.liveness.is_empty() {
            settings.liveness = format!("{}.alive", settings.name);
        }
        let mut problems = Vec::new();
        let mut demand = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        demand(!settings.servers.trim().is_empty(), "no server is given".to_owned());
        demand(is_name(&settings.stream), format!("`{}` is no stream name", settings.stream));
        demand(is_name(&settings.name), format!("`{}` is no group name: letters, digits, `-` and `_`", settings.name));
        demand(is_subject(&settings.subject), format!("`{}` is no subject with one {PLACEHOLDER}", settings.subject));
        demand(
            (1..=4096).contains(&settings.partitions),
            format!("{} partitions; 1 to 4096 work", settings.partitions),
        );
        demand(
            (Duration::from_millis(200)..=Duration::from_secs(3600)).contains(&settings.ttl),
            format!("a lease of {:?}; 200 ms to one hour work", settings.ttl),
        );
        demand(
            settings.max_handling >= settings.ttl / 3,
            format!("max_handling of {:?} is shorter than a renewal interval", settings.max_handling),
        );
        demand((1..=10_000).contains(&settings.batch), format!("a batch of {}; 1 to 10000 work", settings.batch));
        demand(
            (1..=4096).contains(&settings.catch_up),
            format!("{} partitions that catch up at once; 1 to 4096 work", settings.catch_up),
        );
        if let Commit::Checkpoint { every } = settings.commit {
            demand(
                (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&every),
                format!("a checkpoint every {every:?}; 1 ms to one minute work"),
            );
        }
        if let Commit::AckAll { every } = settings.commit {
            demand(
                (1..=10_000).contains(&every),
                format!("an acknowledgement every {every} messages; 1 to 10000 work"),
            );
            demand(
                settings.takeover == Takeover::Safe,
                "takeover by resuming shares a consumer that is acknowledged message by message".to_owned(),
            );
        }
        demand(
            matches!(settings.consumer_replicas, 1 | 3 | 5),
            format!("{} copies of a consumer; 1, 3 or 5 work", settings.consumer_replicas),
        );
        if let Takeover::Resume { ack_wait } = settings.takeover {
            demand(!ack_wait.is_zero(), "an ack wait of zero".to_owned());
        }
        if settings.deliver_by == DeliverBy::Push {
            let bounded = !matches!(settings.commit, Commit::Checkpoint { .. });
            demand(bounded, "nothing bounds what is pushed where nothing is acknowledged: pull".to_owned());
            demand(
                settings.takeover == Takeover::Safe,
                "takeover by resuming shares a consumer that is pulled from".to_owned(),
            );
        }
        if let Some(sink) = &settings.sink {
            demand(is_name(&sink.stream), format!("`{}` is no stream name", sink.stream));
            demand(is_plain(&sink.fences), format!("`{}` is no subject for fences", sink.fences));
            demand(sink.stream != settings.stream, "the sink is the stream that is consumed: take another".to_owned());
            demand(
                settings.takeover == Takeover::Safe,
                "takeover by resuming has no epochs that could be fenced".to_owned(),
            );
        }
        if let Some(ride_out) = settings.ride_out {
            demand(
                settings.sink.is_some(),
                "who rides out a bucket without a leader may have been superseded: ride_out needs a sink".to_owned(),
            );
            demand(
                (settings.ttl..=Duration::from_secs(60)).contains(&ride_out),
                format!("riding out {ride_out:?}; from the time of a lease to one minute works"),
            );
        }
        if let Some(hints) = &settings.hints {
            let is_covered = settings.sink.is_some() || settings.unsafe_hints;
            demand(is_covered, "a hint may be false: hints need a sink, or unsafe_hints(true)".to_owned());
            demand(settings.takeover == Takeover::Safe, "takeover by resuming cannot bear a false hint".to_owned());
            demand(is_plain(&settings.liveness), format!("`{}` is no subject for probes", settings.liveness));
            let heard = hints.probe_every.is_some() || hints.system.is_some();
            demand(heard, "hints that nobody gives: probes, or system events".to_owned());
            if let Some(every) = hints.probe_every {
                let works = (Duration::from_millis(1)..=Duration::from_secs(10)).contains(&every);
                demand(works, format!("a probe every {every:?}; 1 ms to 10 s work"));
            }
        }
        if problems.is_empty() { Ok(Group { settings: Arc::new(settings) }) } else { Err(BuildError { problems }) }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A subject without wildcards.
fn is_plain(subject: &str) -> bool {
    subject.split('.').all(|token| !token.is_empty() && !token.contains([' ', '\t', '\r', '\n', '*', '>']))
}

fn is_subject(template: &str) -> bool {
    template.matches(PLACEHOLDER).count() == 1
        && template.split('.').all(|token| !token.is_empty() && !token.contains(char::is_whitespace))
        // A wildcard before the partition would let one message belong to two of them.
        && template.split(PLACEHOLDER).next().is_some_and(|before| !before.contains(['*', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> GroupBuilder {
        Group::builder("nats://127.0.0.1:4222")
            .stream("ORDERS")
            .name("billing")
            .subject_prefix("orders.p")
            .partitions(16)
    }

    #[test]
    fn a_complete_description_is_built() {
        let group = valid().build().unwrap();
        assert_eq!(group.settings.subject_of(7), "orders.p.7");
        let group = valid().subject("orders.{partition}.>").build().unwrap();
        assert_eq!(group.settings.subject_of(7), "orders.7.>");
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let Err(error) = Group::builder("").name("a.b").lease_ttl(Duration::ZERO).build() else {
            panic!("an empty description was accepted");
        };
        let text = error.to_string();
        for part in ["server", "stream", "`a.b`", "subject", "0 partitions", "lease of 0ns"] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn hints_need_a_fence_or_a_word_that_says_what_is_void() {
        let hints = || Hints::probe(Duration::from_millis(10));
        assert!(valid().hints(hints()).build().is_err());
        let group = valid().hints(hints()).unsafe_hints(true).build().unwrap();
        assert_eq!(group.settings.liveness, "billing.alive");
        assert!(valid().hints(hints()).sink(Sink::new("BILLS", "bills.fence")).build().is_ok());
        assert!(valid().hints(Hints::default()).unsafe_hints(true).build().is_err(), "nobody gives any");
        for (stream, fences) in [("ORDERS", "bills.fence"), ("BILLS", "bills.*"), ("B.S", "bills"), ("BILLS", "")] {
            assert!(valid().sink(Sink::new(stream, fences)).build().is_err(), "{stream} {fences}");
        }
        assert!(valid().sink(Sink::new("BILLS", "bills.fence")).takeover(Takeover::resume()).build().is_err());
    }

    #[test]
    fn what_is_pushed_must_be_bounded() {
        let pushed = || valid().deliver_by(DeliverBy::Push);
        assert!(pushed().build().is_err(), "no acknowledgements bound it");
        assert!(pushed().commit(Commit::Explicit).build().is_ok());
        assert!(pushed().commit(Commit::AckAll { every: 100 }).build().is_ok());
        assert!(pushed().commit(Commit::Explicit).takeover(Takeover::resume()).build().is_err());
    }

    #[test]
    fn members_must_agree_on_the_fence() {
        let plain = valid().build().unwrap().settings.identity();
        assert_eq!(plain, "lease-group 1: 16 partitions of stream ORDERS at orders.p.{partition}");
        let fenced = valid().sink(Sink::new("BILLS", "bills.fence")).build().unwrap().settings.identity();
        assert!(fenced.starts_with(&plain) && fenced.ends_with("fenced at bills.fence"), "{fenced}");
    }

    #[test]
    fn a_subject_that_mixes_partitions_is_refused() {
        for template in
            ["orders", "orders.*.{partition}", "{partition}.{partition}", "a..{partition}", "a b.{partition}"]
        {
            assert!(valid().subject(template).build().is_err(), "{template}");
        }
    }
}
