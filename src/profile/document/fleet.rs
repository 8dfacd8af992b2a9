//! `[fleet]`: the members, and what a handler does.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seconds;
use crate::model::units::Timespan;

/// The consumers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Fleet {
    /// Number of members at the start. Default 4.
    pub members: u16,
    /// How long a message takes to be handled. Default "fixed".
    pub handler: Handler,
    /// With handler "fixed" its time, with "exponential" its mean, with "bimodal" what most messages take. Default 200us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler_time: Option<Timespan>,
    /// With handler "bimodal": what the other messages take. Default 20ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_time: Option<Timespan>,
    /// With handler "bimodal": the share of the other messages, between 0 and 1. Default 0.01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_share: Option<f64>,
    /// What a handler does for so long. Default "wait".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler_work: Option<Work>,
    /// The share of the messages on which the handler fails, 0 to 1: the same ones for every strategy. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_share: Option<f64>,
    /// With `fail-share`: how often the handler fails on such a message before it succeeds, 0 for ever. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_times: Option<u32>,
    /// With `fail-share`: what a member does with a message that its handler failed on. Default "retry".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// With on-failure "nak-delay": after how long the message is delivered again. Default 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nak_delay: Option<Timespan>,
    /// While a handler works, its member tells the server so often that it does (+WPI), about this message only.
    /// Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_progress_every: Option<Timespan>,
}

/// How long a message takes to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Handler {
    /// No time at all.
    None,
    /// Always `handler-time`.
    Fixed,
    /// Exponentially distributed with the mean `handler-time`.
    Exponential,
    /// `handler-time` for most messages, and `slow-time` for `slow-share` of them.
    Bimodal,
}

/// What a handler does for as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// It waits, as for a database.
    Wait,
    /// It keeps a core busy for so much processor time, in a thread of its own.
    Cpu,
}

/// What a member does with a message that its handler failed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Gives it back, to be delivered again at once.
    Nak,
    /// Gives it back, to be delivered again after `nak-delay`.
    NakDelay,
    /// Tells the server to deliver it no more.
    Term,
    /// Nothing: it is delivered again after the ack wait.
    NoAck,
    /// Tries again in place until the handler succeeds.
    Retry,
}

impl Fleet {
    /// The same with the defaults written out that depend on other keys.
    #[must_use]
    pub fn filled(&self) -> Self {
        let takes_time = self.handler != Handler::None;
        let is_bimodal = self.handler == Handler::Bimodal;
        let fails = self.fail_share.is_some();
        let on_failure = self.on_failure();
        Self {
            handler_time: takes_time.then(|| self.handler_time()),
            handler_work: takes_time.then(|| self.handler_work()),
            slow_time: is_bimodal.then(|| self.slow_time()),
            slow_share: is_bimodal.then(|| self.slow_share()),
            on_failure: fails.then_some(on_failure),
            fail_times: (fails && on_failure != OnFailure::Term).then(|| self.fail_times()),
            nak_delay: (fails && on_failure == OnFailure::NakDelay).then(|| self.nak_delay()),
            ..self.clone()
        }
    }

    /// The handler's time, said or not.
    pub(in crate::profile) fn handler_time(&self) -> Timespan {
        self.handler_time.unwrap_or(Timespan(Duration::from_micros(200)))
    }

    /// What a slow message takes, said or not.
    pub(in crate::profile) fn slow_time(&self) -> Timespan {
        self.slow_time.unwrap_or(Timespan(Duration::from_millis(20)))
    }

    /// The share of slow messages, said or not.
    pub(in crate::profile) fn slow_share(&self) -> f64 {
        self.slow_share.unwrap_or(0.01)
    }

    /// What the handler does, said or not.
    pub(in crate::profile) fn handler_work(&self) -> Work {
        self.handler_work.unwrap_or(Work::Wait)
    }

    /// How often it fails, said or not.
    pub(in crate::profile) fn fail_times(&self) -> u32 {
        self.fail_times.unwrap_or(1)
    }

    /// What becomes of a message on which it failed, said or not.
    pub(in crate::profile) fn on_failure(&self) -> OnFailure {
        self.on_failure.unwrap_or(OnFailure::Retry)
    }

    /// After how long such a message is delivered again, said or not.
    pub(in crate::profile) fn nak_delay(&self) -> Timespan {
        self.nak_delay.unwrap_or(seconds(1))
    }
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            members: 4,
            handler: Handler::Fixed,
            handler_time: None,
            slow_time: None,
            slow_share: None,
            handler_work: None,
            fail_share: None,
            fail_times: None,
            on_failure: None,
            nak_delay: None,
            in_progress_every: None,
        }
    }
}
