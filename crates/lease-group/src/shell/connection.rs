//! One of the two connections, with its events.

use std::sync::Arc;

use async_nats::{Client, Event};
use tokio::sync::{mpsc, watch};

use crate::clock::monotonic_ns;
use crate::error::JoinError;
use crate::footing::Refusal;
use crate::group::Settings;
use crate::observer::{Connection, MemberEvent};
use crate::record::Session;
use crate::shell::probes::CONTROL;

/// Connects. The number behind the receiver rises with every lost connection; what the server refuses for want of a right that
/// matters goes to `refusals`, as long as there is room: it is said again when it is tried again.
pub(crate) async fn connect(
    settings: &Settings,
    connection: Connection,
    session: Session,
    refusals: &mpsc::Sender<Refusal>,
) -> Result<(Client, watch::Receiver<u64>), JoinError> {
    let (cuts, seen) = watch::channel(0_u64);
    let cuts = Arc::new(cuts);
    let (refusals, names) = (refusals.clone(), settings.names());
    let observer = Arc::clone(&settings.observer);
    let role = match connection {
        Connection::Control => CONTROL,
        Connection::Data => "data",
    };
    let client = settings
        .connect
        .clone()
        // Where the server tells of a connection that ended, this is what says whose it was.
        .name(format!("{} {} {role} {session}", settings.name, settings.worker))
        .event_callback(move |event| {
            let told = match event {
                Event::Connected => Some(MemberEvent::Connected(connection)),
                Event::Disconnected => {
                    cuts.send_modify(|count| *count += 1);
                    Some(MemberEvent::Disconnected(connection))
                }
                Event::SlowConsumer(_) => Some(MemberEvent::SlowConsumer(connection)),
                Event::ServerError(error) => {
                    let reason = error.to_string();
                    if let Some(refusal) = Refusal::read(&reason, &names) {
                        let _ = refusals.try_send(refusal);
                    }
                    Some(MemberEvent::Refused { connection, reason })
                }
                _ => None,
            };
            if let Some(told) = told {
                observer.member(monotonic_ns(), &told);
            }
            std::future::ready(())
        })
        .connect(settings.servers.split(',').map(str::trim).collect::<Vec<_>>())
        .await
        .map_err(|error| JoinError::Connect { servers: settings.servers.clone(), reason: error.to_string() })?;
    Ok((client, seen))
}
