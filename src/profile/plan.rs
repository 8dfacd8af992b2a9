//! The plan: everything that one run needs to know, checked.

use serde::{Deserialize, Serialize};

use super::demand::{self, Demand};
pub use super::document::Retry;
use super::document::{self, Arrivals, Compression, Discard, Document, Keep, Publish, Retention, Routing, Storage};
use super::load::Loaded;
use crate::fault;
use crate::fault::step_down::Of;
use crate::gate::rule::{self, Rule};
use crate::model::bank::{Bank, Workload};
use crate::model::manifest::Confirmation;
use crate::model::promise::Promises;
use crate::model::reading::Stat;
use crate::model::time::SpanNs;
use crate::model::units::Rate;
use crate::nats::link::Path;
use crate::strategy::Strategy;
pub use crate::strategy::handler::{Failing, Handler, OnFailure, Time, Work};
use crate::strategy::rights::{self, Names, Right};

/// One run to be made. It exists only if it can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the profile.
    pub name: String,
    /// The question that the profile answers: its first comment line. May be empty in a user's own profile.
    pub question: String,
    /// Name of the variant, when the profile has variants.
    pub variant: Option<String>,
    /// Seed of keys, arrivals and faults.
    pub seed: u64,
    /// How often it is run, each time in a fresh stream. At least 1.
    pub repeat: u32,
    /// How long each phase lasts.
    pub phases: Phases,
    /// Which of the evidence is kept.
    pub keep_evidence: Keep,
    /// The server that jetlag starts, unless the user names one.
    pub server: Server,
    /// The stream.
    pub stream: Stream,
    /// The load.
    pub load: Load,
    /// Where balances are kept, with the workload `ledger`.
    pub bank: Option<Bank>,
    /// The members.
    pub fleet: Fleet,
    /// The way of consuming that is measured.
    pub strategy: Strategy,
    /// What strikes in the measure phase.
    pub faults: Vec<fault::Spec>,
    /// What makes a run invalid.
    pub limits: Limits,
    /// What a search looks for.
    pub search: Search,
    /// What the server must be able to do.
    pub demands: Vec<Demand>,
    /// What a gate asks of runs of this profile.
    pub gate: GatePlan,
    /// The whole profile with every default filled in, for the manifest; without what a run takes no notice of.
    pub settings: serde_json::Value,
}

/// How long each phase of a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Load flows and nothing is measured yet.
    pub warm_up: SpanNs,
    /// The measured phase. Not zero.
    pub measure: SpanNs,
    /// At most this long for what is stored to be handled after the load has ended.
    pub drain_max: SpanNs,
    /// At most this long for the stream to be read back at the end; 0: not at all.
    pub read_back_max: SpanNs,
}

/// The server that jetlag starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Exactly this version of nats-server; `None` for the one that is found, else the pinned one.
    pub version: Option<String>,
    /// Number of nodes: 1, or 3 or 5 for a cluster.
    pub nodes: u16,
}

/// The stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Number of partitions, 1 to 1024.
    pub partitions: u16,
    /// Where messages are kept.
    pub storage: Storage,
    /// Copies of each message: 1, 3 or 5, at most the number of nodes.
    pub replicas: u16,
    /// What keeps a message.
    pub retention: Retention,
    /// What gives way when a limit is reached.
    pub discard: Discard,
    /// Who finds the partition of a key.
    pub routing: Routing,
    /// How stored blocks are compressed.
    pub compression: Compression,
    /// For how long message ids are remembered.
    pub duplicate_window: SpanNs,
    /// Messages older than this are evicted.
    pub max_age: Option<SpanNs>,
    /// Most bytes in the stream.
    pub max_bytes: Option<u64>,
    /// Most messages in the stream.
    pub max_messages: Option<u64>,
    /// Most messages of a partition.
    pub max_messages_per_subject: Option<u64>,
    /// Whether a full partition refuses messages.
    pub discard_new_per_subject: bool,
    /// Larger messages are refused.
    pub max_message_bytes: Option<u32>,
}

/// The load: what the publishers send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Number of publisher processes, at least 1.
    pub publishers: u16,
    /// Messages a second over all publishers together.
    pub rate: Rate,
    /// How the intended instants are spread.
    pub arrivals: Arrivals,
    /// Size of a payload, header included.
    pub payload_bytes: u32,
    /// How a message is published.
    pub way: Way,
    /// How they travel.
    #[serde(default)]
    pub path: Path,
    /// So many messages over all publishers before the members start.
    pub backlog: u64,
    /// Number of keys, at least one a publisher.
    pub keys: u32,
    /// Which key the next message has.
    pub key_choice: KeyChoice,
    /// Whether messages carry an id for de-duplication.
    pub message_id: bool,
    /// What the messages are about.
    pub workload: Workload,
}

/// How a message is published, and what confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Each by itself, several at a time.
    Windowed {
        /// Most unacknowledged publishes a publisher may have, 1 to 8192.
        window: u16,
        /// What is done about a failed one.
        retry: Retry,
    },
    /// Each by itself, one at a time.
    Sync,
    /// What is due in one batch, one batch at a time.
    AtomicBatch {
        /// Most messages of a batch, 1 to 1000.
        batch: u16,
    },
    /// Fast ingest.
    FastBatch {
        /// Most messages between two acknowledgements, 1 to 500.
        batch: u16,
    },
    /// Without acknowledgement.
    Core {
        /// Most messages that no answered probe covers, 1 to 8192.
        window: u16,
    },
}

impl Way {
    /// Most messages that may be under way at once.
    #[must_use]
    pub fn window(self) -> u16 {
        match self {
            Self::Windowed { window, .. } | Self::Core { window } => window,
            Self::Sync => 1,
            Self::AtomicBatch { batch } => batch,
            // The server answers one stretch while the next is on its way.
            Self::FastBatch { batch } => batch.saturating_mul(2),
        }
    }
}

/// Which key the next message has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChoice {
    /// Every key equally often.
    Uniform,
    /// The n-th key with a share proportional to n^-exponent.
    Zipf {
        /// Greater than 0.
        exponent: f64,
    },
    /// One hot key has a share of its own, the others have the rest equally.
    Hot {
        /// Between 0 and 1.
        share: f64,
    },
}

/// The members at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// How many, at least 1.
    pub members: u16,
    /// What a handler does.
    pub handler: Handler,
}

/// What a gate asks of the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GatePlan {
    /// What must hold.
    pub rules: Vec<Rule>,
    /// By metric, the share of the base from which on a difference matters.
    pub thresholds: Vec<(String, f64)>,
    /// What is held against the base, each with one statistic or all; empty for the usual.
    pub metrics: Vec<(String, Option<Stat>)>,
    /// Repeats of a side before the first look.
    pub repeats_min: Option<u32>,
    /// Repeats of a side at most.
    pub repeats_max: Option<u32>,
}

impl GatePlan {
    /// What was checked can be read; what could not is not there.
    fn of(gate: &document::Gate) -> Self {
        Self {
            rules: gate.rules.iter().filter_map(|(subject, limit)| Rule::parse(subject, limit).ok()).collect(),
            thresholds: gate
                .thresholds
                .iter()
                .filter_map(|(metric, share)| Some((metric.clone(), rule::share(share)?)))
                .collect(),
            metrics: gate.metrics.iter().filter_map(|word| rule::compared(word).ok()).collect(),
            repeats_min: gate.min_repeats,
            repeats_max: gate.max_repeats,
        }
    }
}

/// What makes a run invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// `schedule_lag` p99 above this: the generator was too late to be believed.
    pub schedule_lag_p99: SpanNs,
}

/// What a search looks for, with every default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// `end_to_end` p99 above this is not sustained.
    pub end_to_end_p99: SpanNs,
    /// The bracket is narrow enough at this share.
    pub tolerance: f64,
    /// The first rate tried, between `least_per_s` and `most_per_s`.
    pub first_per_s: f64,
    /// No lower rate is tried.
    pub least_per_s: f64,
    /// No higher rate is tried.
    pub most_per_s: f64,
    /// So many trials of one rate must agree, at least 1.
    pub agree: u32,
    /// At most so many trials.
    pub trials_max: u32,
    /// No trial is begun that would end later than this.
    pub within: SpanNs,
}

impl Loaded {
    /// One plan a variant, else one.
    #[must_use]
    pub fn plans(&self) -> Vec<Plan> {
        let plan = |(variant, document): &(Option<String>, Document)| Plan::new(self, variant.clone(), document);
        self.documents.iter().map(plan).collect()
    }
}

impl Plan {
    /// What a checked document means.
    fn new(profile: &Loaded, variant: Option<String>, document: &Document) -> Self {
        let document = document.filled();
        // What a search or a gate asks of a run is no part of the run: two that differ in it alone are repeats.
        let run = Document { search: document::Search::default(), gate: document::Gate::default(), ..document.clone() };
        let settings = serde_json::to_value(&run).expect("a document has text keys and finite numbers only");
        let measure = document.run.measure.span();
        Self {
            name: profile.name.clone(),
            question: profile.question.clone(),
            variant,
            seed: document.run.seed,
            repeat: document.run.repeat,
            phases: Phases {
                warm_up: document.run.warm_up.span(),
                measure,
                drain_max: document.run.drain.span(),
                read_back_max: document.run.read_back.span(),
            },
            keep_evidence: document.run.keep_evidence,
            server: Server { version: document.server.version.clone(), nodes: document.server.nodes },
            stream: Stream::of(&document.stream),
            load: Load::of(&document.load),
            bank: (document.load.workload == Workload::Ledger).then(|| document.ledger.bank()),
            fleet: Fleet { members: document.fleet.members, handler: Handler::of(&document.fleet, document.run.seed) },
            strategy: document.strategy.clone(),
            faults: document.fault.iter().map(|fault| fault.spec(measure)).collect(),
            limits: Limits { schedule_lag_p99: document.limits.schedule_lag_p99.span() },
            search: Search::of(&document),
            demands: demand::demands(&document),
            gate: GatePlan::of(&document.gate),
            settings,
        }
    }

    /// What strikes when, by the seed.
    #[must_use]
    pub fn schedule(&self) -> Vec<fault::Strike> {
        let scene = fault::Scene {
            measure: self.phases.measure,
            members: self.fleet.members,
            nodes: self.server.nodes,
            replicas: self.stream.replicas,
            grows: self.strategy.members_max().is_none(),
            programs: self.strategy.runs_a_program(),
            bucket: self.strategy.bucket("").is_some(),
        };
        fault::schedule(&self.faults, self.seed, &scene)
    }

    /// Whose leaders may be asked to step down.
    pub fn steps_down(&self) -> impl Iterator<Item = Of> {
        let has_bucket = self.strategy.bucket("").is_some();
        let all = self.faults.iter().flat_map(|fault| fault.kind.steps_down());
        all.filter(move |of| *of != Of::Bucket || has_bucket)
    }

    /// Everything that driver, publishers and members must be allowed.
    #[must_use]
    pub fn rights(&self, names: &Names<'_>) -> Vec<Right> {
        let mut rights = self.strategy.rights(names);
        for of in self.steps_down() {
            rights.extend(rights::step_down(of, names));
        }
        if let Some(bucket) = self.bank.and_then(|bank| bank.bucket(names.group)) {
            rights.extend(rights::accounts(names, &bucket));
        }
        if matches!(self.load.way, Way::Core { .. }) {
            rights.push(rights::probes(names));
        }
        if self.why_not_read_back().is_none() {
            rights.extend(rights::read_back(names));
        }
        rights
    }

    /// Why the stream is not read back when the run is over, as the end of a sentence; `None` when it shall be.
    #[must_use]
    pub fn why_not_read_back(&self) -> Option<&'static str> {
        if self.confirmation() == Confirmation::Sent {
            Some("no stream stores what this strategy consumes")
        } else if self.stream.retention != Retention::Limits {
            Some("a stream of this retention does not keep what was handled")
        } else if self.keep_evidence == Keep::Violations {
            Some("the journals were followed, and the publishers' acknowledgements with them (run.keep-evidence)")
        } else if self.phases.read_back_max.0 == 0 {
            Some("the profile wants it so (run.read-back)")
        } else {
            None
        }
    }

    /// What the confirmation of a publish says in this run.
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        match (self.load.way, &self.strategy) {
            (Way::Core { .. }, Strategy::CoreQueue(_)) => Confirmation::Sent,
            (Way::Core { .. }, _) => Confirmation::SentToStream,
            _ => Confirmation::Stored,
        }
    }

    /// What the strategy promises with these handlers: who gives messages up handles not all of them, and what follows
    /// stands behind a hole.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let promises = self.strategy.on_copies(self.stream.replicas).promises();
        let gives_up = self.fleet.handler.on_failure() == Some(OnFailure::Term);
        Promises {
            at_least_once: promises.at_least_once && !gives_up,
            order_per_key: promises.order_per_key && !gives_up,
            ..promises
        }
    }
}

impl Search {
    fn of(document: &Document) -> Self {
        let search = &document.search;
        let per_s = |rate: Rate| match rate {
            Rate::PerSecond(per_s) => per_s,
            Rate::Max => f64::MAX,
        };
        let (least, most) = (per_s(search.least()), per_s(search.most()));
        Self {
            end_to_end_p99: search.end_to_end_p99().span(),
            tolerance: search.tolerance(),
            // The rate of the load may lie outside; a rate that was named as the first one has been checked.
            first_per_s: per_s(search.first(document.load.rate)).min(most).max(least),
            least_per_s: least,
            most_per_s: most,
            agree: search.agree(),
            trials_max: search.trials(),
            within: search.within().span(),
        }
    }
}

impl Stream {
    fn of(stream: &document::Stream) -> Self {
        Self {
            partitions: stream.partitions,
            storage: stream.storage,
            replicas: stream.replicas,
            retention: stream.retention,
            discard: stream.discard,
            routing: stream.routing,
            compression: stream.compression,
            duplicate_window: stream.duplicate_window.span(),
            max_age: stream.max_age.map(|age| age.span()),
            max_bytes: stream.max_bytes.map(|size| size.0),
            max_messages: stream.max_messages,
            max_messages_per_subject: stream.max_messages_per_subject,
            discard_new_per_subject: stream.discard_new_per_subject,
            max_message_bytes: stream
                .max_message_size
                .map(|size| u32::try_from(size.0).expect("a checked message size is at most 64 MiB")),
        }
    }

    /// Whether the stream's own limits may remove messages that nobody has handled.
    #[must_use]
    pub fn evicts(&self) -> bool {
        let full = self.discard == Discard::Old && (self.max_bytes.is_some() || self.max_messages.is_some());
        full || self.max_age.is_some() || (self.max_messages_per_subject.is_some() && !self.discard_new_per_subject)
    }
}

impl Load {
    fn of(load: &document::Load) -> Self {
        let key_choice = match load.key_choice {
            document::KeyChoice::Uniform => KeyChoice::Uniform,
            document::KeyChoice::Zipf => KeyChoice::Zipf { exponent: load.zipf_exponent() },
            document::KeyChoice::Hot => KeyChoice::Hot { share: load.hot_share() },
        };
        Self {
            publishers: load.publishers,
            rate: load.rate,
            arrivals: load.arrivals,
            payload_bytes: u32::try_from(load.payload.0).expect("a checked payload is at most 1 MiB"),
            way: match load.publish {
                Publish::Windowed => Way::Windowed { window: load.window(), retry: load.retry() },
                Publish::Sync => Way::Sync,
                Publish::AtomicBatch => Way::AtomicBatch { batch: load.batch() },
                Publish::FastBatch => Way::FastBatch { batch: load.batch() },
                Publish::Core => Way::Core { window: load.window() },
            },
            backlog: load.backlog,
            keys: load.keys,
            key_choice,
            message_id: load.message_id,
            path: load.path,
            workload: load.workload,
        }
    }
}

impl Handler {
    fn of(fleet: &document::Fleet, seed: u64) -> Self {
        let usual = fleet.handler_time().span();
        let time = match fleet.handler {
            document::Handler::None => Time::None,
            document::Handler::Fixed => Time::Fixed(usual),
            document::Handler::Exponential => Time::Exponential(usual),
            document::Handler::Bimodal => {
                Time::Bimodal { usual, slow: fleet.slow_time().span(), share: fleet.slow_share() }
            }
        };
        let work = match fleet.handler_work() {
            document::Work::Wait => Work::Wait,
            document::Work::Cpu => Work::Cpu,
        };
        let then = match fleet.on_failure() {
            document::OnFailure::Nak => OnFailure::Nak,
            document::OnFailure::NakDelay => OnFailure::NakDelay(fleet.nak_delay().span()),
            document::OnFailure::Term => OnFailure::Term,
            document::OnFailure::NoAck => OnFailure::NoAck,
            document::OnFailure::Retry => OnFailure::Retry,
        };
        let share = fleet.fail_share.filter(|share| *share > 0.0);
        let failing = share.map(|share| Failing { share, times: fleet.fail_times(), then, seed });
        Self { time, work, failing, in_progress_every: fleet.in_progress_every.map(|every| every.span()) }
    }
}

impl document::Fault {
    /// What it means in a measure phase of this length.
    fn spec(&self, measure: SpanNs) -> fault::Spec {
        let again = self.every.map(|every| fault::Again {
            every: every.span(),
            until: self.until.map_or(measure, |until| until.span()),
            times: self.times,
        });
        let jitter = self.jitter.map_or(SpanNs(0), |jitter| jitter.span());
        let when = fault::When { first: self.first().span(), again, jitter };
        fault::Spec { kind: self.kind.clone(), target: self.target(), when }
    }
}
