//! The backlog: messages that are stored before the consumers are made and the members start. No phase of the run.

use std::time::Duration;

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::driver::scene::Scene;
use crate::model::record::Role;
use crate::model::story::StoryEvent;
use crate::protocol::Order;

/// A backlog that is stored more slowly than this a second is given up, after some time to begin.
const LEAST_PER_S: u64 = 500;
const BEGIN_WITHIN: Duration = Duration::from_secs(60);

impl Conductor<'_> {
    /// Has the publishers store the backlog, and waits until they have.
    pub(super) async fn fill(&mut self) -> Result<(), Error> {
        let messages = self.plan.load.backlog;
        (self.show)(&Scene::Note(format!("storing a backlog of {messages} messages")));
        for worker in self.fleet.running_mut(Role::Publisher) {
            worker.tell(&Order::Fill).await;
        }
        let bound = BEGIN_WITHIN + Duration::from_secs(messages / LEAST_PER_S);
        let deadline = clock::now() + bound.into();
        while self.fleet.iter().any(|worker| !worker.filled) {
            if let Some(failed) = self.fleet.iter().find(|worker| worker.ended) {
                let reason = failed.failure.clone().unwrap_or_else(|| "it ended without a word".to_owned());
                return Err(Error::Worker { process: failed.author().to_string(), reason });
            }
            if self.interrupted {
                return Err(Error::StoppedEarly);
            }
            if clock::now() >= deadline {
                return Err(Error::NotFilled { messages, seconds: bound.as_secs() });
            }
            self.step(deadline).await?;
        }
        let text = format!("{messages} messages were stored before the consumers were made and the members started");
        self.ground.tell(StoryEvent::Note { text })
    }
}
