//! The accounts of the workload `ledger`, where they are kept in a key-value bucket: a member reads a balance, works out
//! the next one, and writes it. What is tried is in the journal before it goes out.
//!
//! What a message makes of a balance is decided by `model::bank`; what came of it all is judged from the journals.

use std::time::Duration;

use async_nats::jetstream::{self, kv, stream};
use tokio::time::Instant;

use super::desk::Notebook;
use crate::clock;
use crate::evidence;
use crate::model::bank::{Balance, Bank, FinalBalance, Write};
use crate::model::record::{Handling, Posting, PostingFate, Record};
use crate::nats::Access;

/// How long one request to the bucket may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);
/// A message that could not be applied for so long ends its member: nobody could acknowledge it in good faith.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wait before a bucket is asked again that did not answer.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The accounts as one member sees them.
pub struct Accounts {
    bank: Bank,
    bucket: kv::Store,
}

/// What came of one attempt.
enum Attempt {
    /// The account has the message, or had it.
    Done,
    /// Another member was faster: the balance is read again.
    Beaten,
    /// The store did not answer, or refused for a reason of its own.
    Failed(String),
}

impl Accounts {
    /// Opens the accounts of `group`; `None` where the bank keeps none in a store.
    ///
    /// # Errors
    /// When the bucket is not there.
    pub async fn open(
        bank: Option<Bank>,
        access: &Access,
        client: &async_nats::Client,
        group: &str,
    ) -> Result<Option<Self>, Error> {
        let Some((bank, name)) = bank.and_then(|bank| Some((bank, bank.bucket(group)?))) else { return Ok(None) };
        let jetstream = access.jetstream(client.clone(), REQUEST_WITHIN);
        let opened = jetstream.get_key_value(&name).await;
        let bucket = opened.map_err(|error| Error::Closed { bucket: name, reason: error.to_string() })?;
        Ok(Some(Self { bank, bucket }))
    }

    /// Applies the message that is being handled to its account. Returns when the store has it, or had it already.
    ///
    /// # Errors
    /// When the journal cannot be written, or the store takes nothing for too long.
    pub async fn apply(&self, notebook: &Notebook, handling: &Handling, amount: i32) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reason = match self.attempt(notebook, handling, amount).await? {
                Attempt::Done => return Ok(()),
                Attempt::Beaten => "others wrote it again and again".to_owned(),
                Attempt::Failed(reason) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    reason
                }
            };
            if Instant::now() >= deadline {
                return Err(Error::Refused { account: handling.key, seconds: PATIENCE.as_secs(), reason });
            }
        }
    }

    async fn attempt(&self, notebook: &Notebook, handling: &Handling, amount: i32) -> Result<Attempt, Error> {
        let name = name(handling.key);
        let (held, held_revision) = match self.read(&name).await {
            Ok(found) => found,
            Err(reason) => return Ok(Attempt::Failed(reason)),
        };
        let at = clock::now();
        let mut posting = Posting {
            at,
            key: handling.key,
            key_seq: handling.key_seq,
            partition: handling.partition,
            amount,
            held,
            held_revision,
            fate: PostingFate::Unknown,
        };
        let Some(next) = self.bank.apply(held, handling.key_seq, amount, at) else {
            posting.fate = PostingFate::Skipped { at };
            notebook.append(Record::Posting(posting))?;
            return Ok(Attempt::Done);
        };
        // A closed journal belongs to a member that has ended: what it writes now would be without evidence.
        let Some(begun) = notebook.with(|writer| writer.begin_posting(&posting)) else { return Ok(Attempt::Done) };
        let slot = begun?;
        let written = self.write(&name, next, held_revision).await;
        let at = clock::now();
        notebook.with(|writer| match &written {
            Ok(revision) => writer.settled(slot, PostingFate::Written { at, revision: *revision }),
            Err(Attempt::Beaten) => writer.settled(slot, PostingFate::Refused { at }),
            Err(_) => writer.abandon(slot),
        });
        Ok(written.map_or_else(|attempt| attempt, |_| Attempt::Done))
    }

    async fn read(&self, name: &str) -> Result<(Balance, u64), String> {
        let asked = tokio::time::timeout(REQUEST_WITHIN, self.bucket.entry(name)).await;
        match asked.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())? {
            Some(entry) => Ok((decode(&entry.value)?, entry.revision)),
            None => Ok((Balance::default(), 0)),
        }
    }

    async fn write(&self, name: &str, next: Balance, held_revision: u64) -> Result<u64, Attempt> {
        let value = encode(next).into();
        let writing = async {
            match self.bank.write {
                Write::CompareAndSet => {
                    self.bucket.update(name, value, held_revision).await.map_err(|error| match error.kind() {
                        kv::UpdateErrorKind::WrongLastRevision => Attempt::Beaten,
                        _ => Attempt::Failed(error.to_string()),
                    })
                }
                Write::LastWriteWins => {
                    self.bucket.put(name, value).await.map_err(|error| Attempt::Failed(error.to_string()))
                }
            }
        };
        let answered = tokio::time::timeout(REQUEST_WITHIN, writing).await;
        answered.unwrap_or_else(|_| Err(Attempt::Failed("no answer".to_owned())))
    }
}

/// Makes the bucket of `group`, where the bank keeps balances in one.
///
/// # Errors
/// When the server refuses it.
pub async fn provision(
    bank: &Bank,
    jetstream: &jetstream::Context,
    group: &str,
    storage: stream::StorageType,
) -> Result<(), super::Error> {
    let Some(bucket) = bank.bucket(group) else { return Ok(()) };
    // One replica: a look-up in a replicated bucket may be answered by a peer that lags behind.
    let config = kv::Config { bucket: bucket.clone(), history: 1, storage, num_replicas: 1, ..kv::Config::default() };
    let made = jetstream.create_key_value(config).await;
    made.map_err(|error| super::Error::refused(format!("make the bucket '{bucket}'"), &error))?;
    Ok(())
}

/// All balances that the store holds, by account.
///
/// # Errors
/// When they cannot be read within `within`.
pub async fn balances(
    jetstream: &jetstream::Context,
    bucket: &str,
    within: Duration,
) -> Result<Vec<FinalBalance>, Error> {
    let unread = |reason: String| Error::Unread { bucket: bucket.to_owned(), reason };
    let reading = async {
        let store = jetstream.get_key_value(bucket).await.map_err(|error| unread(error.to_string()))?;
        let held = store.status().await.map_err(|error| unread(error.to_string()))?.values();
        let mut balances = Vec::new();
        if held == 0 {
            return Ok(balances);
        }
        let mut entries = store.watch_with_history(">").await.map_err(|error| unread(error.to_string()))?;
        while let Some(entry) = futures_util::StreamExt::next(&mut entries).await {
            let entry = entry.map_err(|error| unread(error.to_string()))?;
            let account = account(&entry.key).ok_or_else(|| unread(format!("'{}' is no account", entry.key)))?;
            let held = decode(&entry.value).map_err(unread)?;
            balances.push(FinalBalance { account, held, revision: entry.revision });
            if entry.delta == 0 {
                break;
            }
        }
        balances.sort_unstable_by_key(|balance| balance.account);
        Ok(balances)
    };
    let read = tokio::time::timeout(within, reading).await;
    read.unwrap_or_else(|_| Err(unread(format!("it took longer than {} s", within.as_secs()))))
}

fn name(account: u32) -> String {
    format!("account.{account}")
}

fn account(name: &str) -> Option<u32> {
    name.strip_prefix("account.")?.parse().ok()
}

/// JSON, so that `nats kv get` shows it.
fn encode(balance: Balance) -> String {
    let Balance { balance, sequence, mark } = balance;
    format!(r#"{{"balance":{balance},"sequence":{sequence},"mark":{mark}}}"#)
}

fn decode(value: &[u8]) -> Result<Balance, String> {
    serde_json::from_slice(value).map_err(|error| format!("it holds something else than a balance: {error}"))
}

/// What can go wrong with the accounts: the run is invalid then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] evidence::Error),
    /// There is no bucket.
    #[error("cannot open the bucket '{bucket}' of the accounts: {reason}")]
    Closed {
        /// Its name.
        bucket: String,
        /// What came back.
        reason: String,
    },
    /// The store took nothing for too long.
    #[error(
        "account {account} could not be written for {seconds} s: {reason}; is the server there, with room for more?"
    )]
    Refused {
        /// The account.
        account: u32,
        /// For how long.
        seconds: u64,
        /// The last answer.
        reason: String,
    },
    /// The balances cannot be read back.
    #[error("the balances in the bucket '{bucket}' cannot be read: {reason}")]
    Unread {
        /// Its name.
        bucket: String,
        /// What came back.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_comes_back_from_the_store_as_it_went() {
        for balance in [Balance::default(), Balance { balance: -120, sequence: 7, mark: 65_535 }] {
            assert_eq!(decode(encode(balance).as_bytes()), Ok(balance));
        }
        assert!(decode(b"12").is_err_and(|error| error.contains("something else")));
        assert_eq!((account(&name(u32::MAX)), account("k.3")), (Some(u32::MAX), None));
    }
}
