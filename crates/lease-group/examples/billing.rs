//! A member of a group that prints what it handles. Start several, kill some, watch the partitions move:
//!
//! ```text
//! cargo run -p lease-group --example billing -- nats://127.0.0.1:4222
//! ```
//!
//! The stream `ORDERS` with the subjects `orders.p.*` is made if it is missing; publish to `orders.p.0` to `orders.p.7`. Ctrl-C leaves
//! gracefully.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use lease_group::{Group, HandlerError, Message, Observer, PartitionEvent};

struct Print;

impl Observer for Print {
    fn partition(&self, at_ns: u64, partition: u32, event: &PartitionEvent) {
        if !matches!(event, PartitionEvent::Renewed { .. }) {
            eprintln!("{:>12.6} s  partition {partition}: {event:?}", at_ns as f64 / 1e9);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "nats://127.0.0.1:4222".to_owned());
    let client = async_nats::connect(&url).await?;
    jetstream::new(client)
        .get_or_create_stream(stream::Config {
            name: "ORDERS".to_owned(),
            subjects: vec!["orders.p.*".to_owned()],
            ..Default::default()
        })
        .await?;

    let group = Group::builder(url)
        .stream("ORDERS")
        .name("billing")
        .subject_prefix("orders.p")
        .partitions(8)
        .lease_ttl(Duration::from_secs(2))
        .worker(format!("billing-{}", std::process::id()))
        .observer(Print)
        .build()?;

    let member = group.join().await?;
    let handle = member.handle();
    let running = member.run(async |message: &Message| -> Result<(), HandlerError> {
        println!("{} {} {:?}", message.partition, message.stream_sequence, message.payload);
        Ok(())
    });
    let leave_on_ctrl_c = async {
        tokio::signal::ctrl_c().await?;
        handle.leave().await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let (ended, _) = tokio::join!(running, leave_on_ctrl_c);
    ended?;
    Ok(())
}
