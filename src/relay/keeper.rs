//! The driver's end of the relay: starts it, orders, listens.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::{Error, Order, SUBCOMMAND, Word};
use crate::process::{Child, Exit, Group, Pid};

/// How long it may take to open its gates.
const OPEN_WITHIN: Duration = Duration::from_secs(20);

/// The relay, as who started it sees it. Dropped, it is killed.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    orders: ChildStdin,
    words: Lines<BufReader<ChildStdout>>,
    /// Words that were heard while another one was waited for.
    heard: VecDeque<Word>,
    ended: bool,
}

/// What is heard of the relay.
#[derive(Debug, PartialEq)]
pub enum News {
    /// It said something.
    Word(Word),
    /// It ended.
    Ended(Exit),
}

impl Keeper {
    /// Starts `exe relay` in `group`.
    ///
    /// # Errors
    /// [`enum@Error`] when it cannot be started.
    pub fn start(exe: &Path, group: Group) -> Result<Self, Error> {
        let mut command = Command::new(exe);
        command.arg0("jetlag").arg(SUBCOMMAND);
        // What it has to say to people it says as a word.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Child::spawn("relay", command, group)?;
        let (Some(orders), Some(words)) = (child.stdin(), child.stdout()) else {
            return Err(Error::Broken("it has no pipes".to_owned()));
        };
        Ok(Self { child, orders, words: BufReader::new(words).lines(), heard: VecDeque::new(), ended: false })
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// Lets `client` reach `upstreams` (host and port) through it. Returns the address to connect to for each.
    ///
    /// # Errors
    /// [`Error::Broken`] when it cannot, or does not answer in time.
    pub async fn open(&mut self, client: &str, upstreams: Vec<String>) -> Result<Vec<SocketAddr>, Error> {
        self.order(&Order::Open { client: client.to_owned(), upstreams }).await;
        let opened = async {
            loop {
                match self.hear().await {
                    News::Word(Word::Open { client: opened, addresses }) if opened == client => return Ok(addresses),
                    News::Word(Word::Failed { message }) => return Err(Error::Broken(message)),
                    News::Word(other) => self.heard.push_back(other),
                    News::Ended(exit) => return Err(Error::Broken(format!("it {exit}"))),
                }
            }
        };
        let late = || Error::Broken(format!("it did not answer within {} s", OPEN_WITHIN.as_secs()));
        tokio::time::timeout(OPEN_WITHIN, opened).await.unwrap_or_else(|_| Err(late()))
    }

    /// Orders. A relay that is gone is no error here: its end is heard of.
    pub async fn order(&mut self, order: &Order) {
        let Ok(mut line) = serde_json::to_vec(order) else { return };
        line.push(b'\n');
        let _ = self.orders.write_all(&line).await;
        let _ = self.orders.flush().await;
    }

    /// What is heard next. Cancel safe. Never returns after the end was heard of.
    pub async fn next(&mut self) -> News {
        match self.heard.pop_front() {
            Some(word) => News::Word(word),
            None if self.ended => std::future::pending().await,
            None => self.hear().await,
        }
    }

    async fn hear(&mut self) -> News {
        while let Ok(Some(line)) = self.words.next_line().await {
            if let Ok(word) = serde_json::from_str(&line) {
                return News::Word(word);
            }
        }
        let exit = self.child.wait().await.unwrap_or(Exit { code: None, signal: None });
        self.ended = true;
        News::Ended(exit)
    }
}

/// What is heard next of a relay; never returns where there is none.
pub async fn next(relay: &mut Option<Keeper>) -> News {
    match relay {
        Some(relay) => relay.next().await,
        None => std::future::pending().await,
    }
}
