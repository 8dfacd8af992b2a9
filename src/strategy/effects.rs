//! Effects: where members write what handling a message causes, in a stream beside the run's own, with or without a fence.
//!
//! Whether an effect came too late is judged from what the stream holds at the end, not from what a member believes.

use std::time::Duration;

use ::lease_group::{Effect as Fenced, Message, OutputError, Sink as Fence};
use async_nats::jetstream::{self, consumer, stream};
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Notebook;
use super::seat::Seat;
use super::{Error, Site};
use crate::model::effect::{Effect, EffectRun, EffectRuns};
use crate::model::record::LifeEvent;

/// How long storing one effect may take.
const STORED_WITHIN: Duration = Duration::from_secs(2);
/// Most effects that one pull brings.
const READ_AT_ONCE: usize = 5000;

/// Where a member writes what handling a message causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sink {
    /// Nowhere.
    #[default]
    None,
    /// Into a stream of the run's own, which takes whatever comes.
    Plain,
    /// Into the same, under the fence of the epoch: the server refuses the effects of a superseded owner (nats-server 2.11).
    Fenced,
}

/// The sink of a run, by the names of the run.
#[derive(Clone, Debug)]
pub struct Place {
    /// The stream.
    pub stream: String,
    /// What all its subjects begin with.
    prefix: String,
    /// What all subjects of the run begin with.
    run: String,
}

impl Place {
    /// The sink of `group`, beside the stream whose partitions have this subject prefix.
    #[must_use]
    pub fn new(group: &str, subject_prefix: &str) -> Self {
        let run = subject_prefix.rsplit_once('.').map_or(subject_prefix, |(run, _)| run);
        Self { stream: stream_of(group), prefix: format!("{run}.e"), run: run.to_owned() }
    }

    /// The fence in the words of the group.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence::new(&self.stream, format!("{}.fence", self.prefix))
    }

    /// Where members are probed: no stream stores it.
    #[must_use]
    pub fn liveness(&self) -> String {
        format!("{}.alive", self.run)
    }

    fn effects(&self, partition: impl std::fmt::Display) -> String {
        format!("{}.p.{partition}", self.prefix)
    }
}

/// The name of a group's sink.
#[must_use]
pub fn stream_of(group: &str) -> String {
    format!("{group}-sink")
}

/// Makes the sink.
pub(super) async fn provision(site: &Site<'_>) -> Result<(), Error> {
    let place = Place::new(site.group, site.subject_prefix);
    let config = stream::Config {
        name: place.stream.clone(),
        subjects: vec![format!("{}.>", place.prefix)],
        storage: stream::StorageType::File,
        num_replicas: site.replicas.max(1),
        ..stream::Config::default()
    };
    let made = site.jetstream.create_stream(config).await;
    made.map_err(|error| Error::refused(format!("make the sink '{}'", place.stream), &error))?;
    Ok(())
}

/// Writes the effect of one message. Answers whether it is stored for certain; a refusal by the fence is written down.
pub(super) async fn write(
    sink: Sink,
    place: &Place,
    seat: &Seat,
    effect: Effect,
    message: &Message,
) -> Result<bool, Error> {
    let subject = place.effects(effect.partition);
    let payload = encode(effect);
    match sink {
        Sink::None => Ok(true),
        Sink::Plain => {
            let jetstream = seat.access.jetstream(seat.client.clone(), STORED_WITHIN);
            let Ok(sent) = jetstream.publish(subject, payload.into()).await else { return Ok(false) };
            Ok(sent.await.is_ok())
        }
        Sink::Fenced => {
            let Some(output) = message.output() else { return Ok(false) };
            match output.write(Fenced::new(subject, payload)).await {
                Ok(_) => Ok(true),
                Err(error) => {
                    if matches!(error, OutputError::Fenced { .. }) {
                        refused(seat.desk.notebook())?;
                    }
                    tracing::warn!(partition = effect.partition, epoch = effect.epoch, %error, "no effect");
                    Ok(false)
                }
            }
        }
    }
}

fn refused(notebook: &Notebook) -> Result<(), Error> {
    Ok(notebook.life(LifeEvent::EffectRefused).map_err(super::desk::Error::Journal)?)
}

/// Reads back everything that `group`'s sink holds.
///
/// # Errors
/// A sentence, when it cannot be read within `within`.
pub async fn read_back(
    jetstream: &jetstream::Context,
    group: &str,
    subject_prefix: &str,
    within: Duration,
) -> Result<(Vec<EffectRun>, u64), String> {
    let place = Place::new(group, subject_prefix);
    let unread = |reason: &dyn std::fmt::Display| format!("the effects in '{}' cannot be read: {reason}", place.stream);
    let reading = async {
        let sink = jetstream.get_stream(&place.stream).await.map_err(|error| unread(&error))?;
        let config = consumer::pull::Config {
            ack_policy: consumer::AckPolicy::None,
            filter_subject: place.effects('*'),
            memory_storage: true,
            inactive_threshold: Duration::from_secs(60),
            ..Default::default()
        };
        let consumer = sink.create_consumer(config).await.map_err(|error| unread(&error))?;
        let mut waiting = consumer.cached_info().num_pending;
        let mut runs = EffectRuns::default();
        while waiting > 0 {
            let batch = usize::try_from(waiting).unwrap_or(usize::MAX).min(READ_AT_ONCE);
            let fetched = consumer.fetch().max_messages(batch).messages().await;
            let mut messages = fetched.map_err(|error| unread(&error))?;
            while let Some(message) = messages.next().await {
                let message = message.map_err(|error| unread(&error))?;
                let info = message.info().map_err(|error| unread(&error))?;
                let effect = decode(&message.payload).map_err(|error| unread(&error))?;
                runs.add(info.stream_sequence, effect);
                waiting = info.pending;
            }
        }
        let effects = runs.effects();
        Ok((runs.all(), effects))
    };
    let read = tokio::time::timeout(within, reading).await;
    read.unwrap_or_else(|_| Err(unread(&format!("it took longer than {} s", within.as_secs()))))
}

/// JSON, so that `nats sub` shows it.
fn encode(effect: Effect) -> String {
    let Effect { partition, epoch, stream_seq } = effect;
    format!(r#"{{"partition":{partition},"epoch":{epoch},"stream_seq":{stream_seq}}}"#)
}

fn decode(payload: &[u8]) -> Result<Effect, String> {
    serde_json::from_slice(payload).map_err(|error| format!("one of them is no effect: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_comes_back_from_the_sink_as_it_went() {
        let effect = Effect { partition: 7, epoch: u32::MAX, stream_seq: u64::MAX };
        assert_eq!(decode(encode(effect).as_bytes()), Ok(effect));
        assert!(decode(b"12").is_err_and(|error| error.contains("no effect")));
    }

    #[test]
    fn a_sink_lies_below_what_a_user_is_granted_and_beside_what_the_stream_hears() {
        let place = Place::new("jetlag-1", "jetlag.1.p");
        assert_eq!((place.stream.as_str(), place.prefix.as_str()), ("jetlag-1-sink", "jetlag.1.e"));
        assert_eq!(place.effects(3), "jetlag.1.e.p.3");
    }
}
