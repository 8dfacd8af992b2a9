//! The data side of one partition: waits for an order, runs the epoch, reports its end, waits again.

use std::sync::Arc;

use async_nats::Client;
use tokio::sync::{Semaphore, mpsc, watch};

use super::epoch::Epoch;
use super::grant::{Order, Report};
use super::sink::Sink;
use crate::group::Settings;
use crate::handler::Handler;
use crate::state::Stopped;

/// What the pumps of one member share.
pub(crate) struct Data {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    /// Rises with every lost data connection.
    pub(crate) cuts: watch::Receiver<u64>,
    /// For the partitions that are behind.
    pub(crate) places: Arc<Semaphore>,
    /// Where effects are written to.
    pub(crate) sink: Option<Sink>,
    pub(crate) reports: mpsc::Sender<Report>,
}

/// Runs one partition's epochs until the control thread is gone.
pub(crate) async fn pump<H: Handler>(data: &Data, mut orders: watch::Receiver<Order>, handler: &H) {
    let mut last_epoch = 0;
    loop {
        let order = orders.borrow_and_update().clone();
        if let Some(grant) = order.grant().filter(|grant| grant.epoch > last_epoch).cloned() {
            last_epoch = grant.epoch;
            let why = match order {
                Order::Run(_) => Epoch::new(data, Arc::clone(&grant)).run(&mut orders, handler).await,
                // The epoch ended before it was begun here.
                Order::Stop(_) | Order::None => Stopped::Asked,
            };
            grant.set_idle();
            let report =
                Report::Ended { partition: grant.partition, epoch: grant.epoch, handled: grant.handled(), why };
            if data.reports.send(report).await.is_err() {
                return;
            }
        } else if orders.changed().await.is_err() {
            return;
        }
    }
}
