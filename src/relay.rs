//! The relay: a process of jetlag's own between clients and servers, whose network can be made to fail.
//!
//! Only whose connection a `cut` of the schedule can strike is given the relay's address instead of the server's; for everybody
//! else nothing changes. Bytes pass as they are, TLS too: the relay understands none of them. Why it is a process, and what it
//! costs: ADR 24.

pub mod gate;
pub mod keeper;
pub mod lane;
pub mod passage;
pub mod words;

use std::collections::BTreeMap;
use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, watch};

pub use gate::Weather;
pub use keeper::{Keeper, News, next};
pub use words::{Order, Word};

use crate::clock;
use crate::fault::Cut;
use crate::process;

/// The hidden subcommand whose body is [`run`].
pub const SUBCOMMAND: &str = "relay";

/// Whose connections come in here, and what happens to them.
struct Post {
    weather: watch::Sender<Weather>,
    tally: gate::Tally,
}

/// The body of the hidden subcommand: takes orders from standard input until that ends, because then the driver is gone.
#[must_use]
pub fn run() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the relay's runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    tokio::task::LocalSet::new().block_on(&runtime, serve());
    // Threads that still wait for standard input must not hold the process.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

async fn serve() {
    // A few words a cut: the channel needs no bound.
    let (words, said) = mpsc::unbounded_channel();
    let _saying = tokio::task::spawn_local(say(said));
    let mut posts: BTreeMap<String, Post> = BTreeMap::new();
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = orders.next_line().await {
        let word = match serde_json::from_str(&line) {
            Ok(order) => obey(order, &mut posts, &words).await,
            Err(error) => Some(Word::Failed { message: format!("an order was not understood: {error}") }),
        };
        if let Some(word) = word {
            let _ = words.send(word);
        }
    }
}

async fn obey(order: Order, posts: &mut BTreeMap<String, Post>, words: &mpsc::UnboundedSender<Word>) -> Option<Word> {
    match order {
        Order::Open { client, upstreams } => {
            let post = posts.entry(client.clone()).or_insert_with(|| Post {
                weather: watch::Sender::default(),
                tally: gate::Tally::new(client.clone(), words.clone()),
            });
            let mut addresses = Vec::new();
            for upstream in upstreams {
                match gate::open(upstream, post.weather.subscribe(), post.tally.clone()).await {
                    Ok((address, gate)) => {
                        addresses.push(address);
                        tokio::task::spawn_local(gate);
                    }
                    Err(error) => {
                        let message = format!("no port of 127.0.0.1 could be opened for {client}: {error}");
                        return Some(Word::Failed { message });
                    }
                }
            }
            Some(Word::Open { client, addresses })
        }
        Order::Cut { client, id, cut } => {
            let post = posts.get(&client)?;
            post.weather.send_modify(|weather| {
                weather.cut = Some((id, cut));
                if cut == Cut::Reset {
                    weather.last_reset = Some(id);
                }
            });
            // No byte moves between here and the next look of any lane at the weather: there is one thread.
            Some(Word::Cut { client, id, at: clock::now() })
        }
        Order::Heal { client, id } => {
            let post = posts.get(&client)?;
            post.weather.send_if_modified(|weather| {
                let is_it = weather.cut.is_some_and(|(cut, _)| cut == id);
                if is_it {
                    weather.cut = None;
                }
                is_it
            });
            Some(Word::Healed { client, id, at: clock::now() })
        }
    }
}

async fn say(mut said: mpsc::UnboundedReceiver<Word>) {
    let mut out = tokio::io::stdout();
    while let Some(word) = said.recv().await {
        let Ok(mut line) = serde_json::to_vec(&word) else { continue };
        line.push(b'\n');
        if out.write_all(&line).await.is_err() || out.flush().await.is_err() {
            return;
        }
    }
}

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process could not be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// It does not do what it is there for.
    #[error("the relay that a cut needs does not work: {0}")]
    Broken(String),
}

#[cfg(test)]
mod tests;
