//! A member: one session of a group, from joining to leaving.

use std::sync::Arc;
use std::thread;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::error::{JoinError, MemberError};
use crate::group::Settings;
use crate::handler::Handler;
use crate::observer::Connection;
use crate::record::Session;
use crate::shell::connection::connect;
use crate::shell::control::{self, Control};
use crate::shell::grant::{Order, Report};
use crate::shell::ground::{Made, carries};
use crate::shell::pump::{Data, pump};
use crate::shell::{sink, store};

type Outcome = Result<(), Arc<MemberError>>;

/// One session of a group. It has joined, and handles messages as soon as and as long as [`run`](Self::run) is polled.
///
/// Dropping it, or the future of `run`, gives its partitions back in the background.
pub struct Member {
    session: Session,
    data: Data,
    orders: Vec<watch::Receiver<Order>>,
    ended: watch::Receiver<Option<Outcome>>,
}

/// Most refusals that wait to be looked at.
const REFUSALS_MAX: usize = 64;

/// Speaks to a member from elsewhere.
#[derive(Clone)]
pub struct MemberHandle {
    session: Session,
    reports: mpsc::WeakSender<Report>,
    ended: watch::Receiver<Option<Outcome>>,
}

impl Member {
    pub(crate) async fn join(settings: Arc<Settings>) -> Result<Self, JoinError> {
        let session = Session::random();
        let refusals = mpsc::channel(REFUSALS_MAX);
        let (client, cuts) = connect(&settings, Connection::Data, session, &refusals.0).await?;
        let context = control::joining(&client, &settings);
        let stream = context
            .get_stream(&settings.stream)
            .await
            .map_err(|error| JoinError::Stream { stream: settings.stream.clone(), reason: error.to_string() })?;
        let config = &stream.cached_info().config;
        if !carries(settings.takeover, config.retention) {
            let found = format!("{:?}", config.retention).to_lowercase();
            return Err(JoinError::Retention { stream: settings.stream.clone(), found });
        }
        let sink = sink::open(&context, &client, &settings).await?;
        let bucket = store::open_or_create(&context, &settings, config.num_replicas).await?;
        let made = Made { bucket, stream: stream.cached_info().created.into() };

        let (orders_in, orders) = (0..settings.partitions).map(|_| watch::channel(Order::None)).unzip();
        // Each partition reports at most one end per order, and waits until it is heard.
        let (reports_in, reports) = mpsc::channel(settings.partitions as usize + 4);
        let (ready_in, ready) = oneshot::channel();
        let (ended_in, ended) = watch::channel(None);
        let control = Control {
            settings: Arc::clone(&settings),
            session,
            sink: sink.clone(),
            made,
            refusals,
            orders: orders_in,
            reports,
            ready: ready_in,
        };
        thread::Builder::new()
            .name("lease-control".to_owned())
            .spawn(move || {
                let outcome = control_thread(control).map_err(Arc::new);
                ended_in.send_replace(Some(outcome));
            })
            .map_err(|error| JoinError::Thread(error.to_string()))?;
        ready.await.map_err(|_| JoinError::Thread("it ended before it was ready".to_owned()))??;
        let places = Arc::new(Semaphore::new(settings.catch_up as usize));
        Ok(Self { session, data: Data { settings, client, cuts, places, sink, reports: reports_in }, orders, ended })
    }

    /// This session.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    /// A handle that can ask the member to leave while [`run`](Self::run) has it.
    #[must_use]
    pub fn handle(&self) -> MemberHandle {
        MemberHandle { session: self.session, reports: self.data.reports.downgrade(), ended: self.ended.clone() }
    }

    /// Handles messages of all partitions that the session is granted, until it has left. All handlers run within this future: nothing
    /// is spawned, and nothing needs to be `Send`.
    ///
    /// # Errors
    /// [`MemberError`] when it ended in any way but by leaving in time.
    pub async fn run<H: Handler>(mut self, handler: H) -> Result<(), MemberError> {
        let data = &self.data;
        let handler = &handler;
        let mut pumps: FuturesUnordered<_> = self.orders.drain(..).map(|orders| pump(data, orders, handler)).collect();
        let ended = async {
            let ended = self.ended.wait_for(Option::is_some).await;
            ended.map_or_else(|_| Err(gone()), |outcome| unshare(outcome.as_ref()))
        };
        let work = async {
            while pumps.next().await.is_some() {}
            // Every pump has lost the control thread; how it ended is known at any moment.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            outcome = ended => outcome,
            () = work => Err(gone()),
        }
    }
}

impl MemberHandle {
    /// The member's session.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    /// Asks the member to leave, and waits until everything is given back: messages in hand are finished, progress is committed
    /// exactly, and the others take over at once. [`Member::run`] must go on being polled meanwhile.
    ///
    /// # Errors
    /// [`MemberError`] when not everything could be given back.
    pub async fn leave(&self) -> Result<(), MemberError> {
        if let Some(reports) = self.reports.upgrade() {
            // A closed channel means that it has ended already.
            let _ = reports.send(Report::Leave).await;
        }
        self.wait().await
    }

    /// Waits until the member has ended.
    ///
    /// # Errors
    /// [`MemberError`] when it ended in any way but by leaving in time.
    pub async fn wait(&self) -> Result<(), MemberError> {
        let mut ended = self.ended.clone();
        let outcome = ended.wait_for(Option::is_some).await.map_err(|_| gone())?;
        unshare(outcome.as_ref())
    }
}

fn control_thread(control: Control) -> Result<(), MemberError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| MemberError::Control(error.to_string()))?;
    runtime.block_on(control::run(control))
}

fn unshare(outcome: Option<&Outcome>) -> Result<(), MemberError> {
    match outcome {
        None => Err(gone()),
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(MemberError::clone(error)),
    }
}

fn gone() -> MemberError {
    MemberError::Control("it is gone".to_owned())
}
