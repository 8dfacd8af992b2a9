//! A worker process: one incarnation of a publisher or of a member.
//!
//! It gets its assignment on standard input, does the job, and ends: when it is done, when it is told to, when it
//! cannot go on, or when standard input ends, because then the driver is gone.

pub mod consumer;
pub mod line;
pub mod load;
pub mod publisher;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::Event;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use crate::evidence::{self, Layout, Writer};
use crate::model::record::LifeEvent;
use crate::nats;
use crate::process;
use crate::protocol::{Assignment, Job, Order, Word};
use crate::strategy;
use crate::strategy::accounts::Accounts;
use crate::strategy::desk::{self, Notebook};
use crate::strategy::seat::{Start, is_about_a_right};

/// Runs a worker to its end. Returns failure when it could not do its job.
#[must_use]
pub fn run() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start a worker's runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, work());
    // Threads that still wait for the terminal's input must not hold the process.
    runtime.shutdown_background();
    outcome
}

async fn work() -> ExitCode {
    let (mouth, saying) = speak();
    let outcome = async {
        let mut ears = listen();
        match ears.recv().await {
            Some(Order::Assign(assignment)) => serve(*assignment, &mouth, &mut ears).await,
            Some(_) => Err(Error::Unassigned),
            None => Err(Error::Orphaned),
        }
    }
    .await;
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            mouth.say(Word::Failed { message: error.to_string() });
            ExitCode::FAILURE
        }
    };
    drop(mouth);
    let _ = saying.await;
    code
}

async fn serve(assignment: Assignment, mouth: &Mouth, ears: &mut Ears) -> Result<(), Error> {
    let writer = Writer::create(&assignment.journals, assignment.author, assignment.run_tag, Layout::default())?;
    let notebook = Notebook::new(writer);
    notebook.life(LifeEvent::Born)?;
    let start = Start::default();
    let note = {
        let notebook = notebook.clone();
        let start = start.clone();
        let words = mouth.words.clone();
        let publishes = matches!(assignment.job, Job::Publish { .. });
        let told = Arc::new(AtomicBool::new(!publishes));
        move |event: Event| {
            let event = match event {
                Event::ServerError(error) => {
                    let error = error.to_string();
                    // Nobody answers a publish that is not permitted: without this word it would look like a slow server.
                    if is_about_a_right(&error) && !told.swap(true, Ordering::Relaxed) {
                        let _ = words.send(Word::Refused { reason: error.clone() });
                    }
                    return start.refused(&error);
                }
                Event::Connected => LifeEvent::Connected,
                Event::Disconnected => LifeEvent::Disconnected,
                Event::SlowConsumer(_) => LifeEvent::SlowConsumer,
                _ => return,
            };
            // An error here is met again, and reported, by the next record of the job itself.
            let _ = notebook.life(event);
        }
    };
    match assignment.job.clone() {
        // It connects itself, again and again: see there.
        Job::Publish { load } => publisher::publish(&assignment, &load, &notebook, note, mouth, ears).await?,
        Job::Consume { group, strategy, handler, bank } => {
            let (name, late) = (assignment.author.to_string(), consumer::comes_late(&assignment));
            let note = Arc::new(note);
            let client = consumer::patiently(late, async || {
                let note = Arc::clone(&note);
                assignment.access.connect(&name, move |event| note(event)).await
            })
            .await?;
            let connecting =
                async || consumer::link(&assignment, strategy.path(), &client, Arc::clone(&note), mouth).await;
            let link = consumer::patiently(late, connecting).await?;
            let open = async || Accounts::open(bank, &assignment.access, &client, &group).await;
            let accounts = consumer::patiently(late, open).await.map_err(desk::Error::Accounts)?;
            let effect = (handler, accounts);
            consumer::consume(&assignment, group, &strategy, effect, (client, link), start, &notebook, mouth, ears)
                .await?
        }
    }
    notebook.life(LifeEvent::Stopped)?;
    notebook.close()?;
    let used = process::usage(process::Pid::own());
    let (cpu_ns, memory_bytes) = used.map_or((0, 0), |used| (used.cpu.0, used.memory_bytes));
    mouth.say(Word::Done { cpu_ns, memory_bytes });
    Ok(())
}

/// Orders as they come in; the end of the channel is the end of the driver.
pub(crate) type Ears = mpsc::Receiver<Order>;

fn listen() -> Ears {
    let (heard, ears) = mpsc::channel(64);
    tokio::task::spawn_local(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(order) => {
                    if heard.send(order).await.is_err() {
                        return;
                    }
                }
                // The line may hold a secret: it is not repeated.
                Err(error) => eprintln!("an order was not understood: {error}"),
            }
        }
    });
    ears
}

/// Says things to the driver.
pub(crate) struct Mouth {
    words: mpsc::UnboundedSender<Word>,
}

impl Mouth {
    /// Says `word`. It never waits: a worker says a few words a second, and a driver that reads none is gone.
    pub(crate) fn say(&self, word: Word) {
        let _ = self.words.send(word);
    }
}

fn speak() -> (Mouth, tokio::task::JoinHandle<()>) {
    let (words, mut said) = mpsc::unbounded_channel::<Word>();
    let saying = tokio::task::spawn_local(async move {
        let mut out = tokio::io::stdout();
        while let Some(word) = said.recv().await {
            let Ok(mut line) = serde_json::to_vec(&word) else { continue };
            line.push(b'\n');
            if out.write_all(&line).await.is_err() || out.flush().await.is_err() {
                return;
            }
        }
    });
    (Mouth { words }, saying)
}

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first order was no assignment.
    #[error("the first order was no assignment: 'jetlag worker' is started by the driver, not by hand")]
    Unassigned,
    /// The driver is gone.
    #[error("the driver is gone")]
    Orphaned,
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] evidence::Error),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] nats::connect::Error),
    /// The strategy cannot go on.
    #[error(transparent)]
    Strategy(#[from] strategy::Error),
    /// A timer failed.
    #[error(transparent)]
    Desk(#[from] desk::Error),
    /// No key belongs to this publisher.
    #[error("no key belongs to publisher {index}: use at least as many keys as publishers")]
    NoKeys {
        /// Its index.
        index: u16,
    },
    /// Publishes are refused.
    #[error("nothing could be published for {seconds} s: {reason}")]
    Refused {
        /// For how long.
        seconds: u64,
        /// The last answer.
        reason: String,
    },
    /// The server does not let a member do what it must.
    #[error(
        "the member cannot begin to work, because the server refuses it something: {reason}; give the user that right"
    )]
    Forbidden {
        /// In the server's words.
        reason: String,
    },
    /// The connection is closed for good.
    #[error("the connection to the server is closed for good")]
    Closed,
}
