//! A member that writes one bill an order into a stream with a fence: whatever happens to the members, no bill of a superseded
//! owner is ever stored. Owners that crash are missed within milliseconds.
//!
//! ```text
//! cargo run -p lease-group --example outputs -- nats://127.0.0.1:4222
//! ```
//!
//! Start several; kill some, or stop one for longer than its lease (`kill -STOP`, `kill -CONT`): it says that it was fenced. Publish to
//! `orders.p.0` to `orders.p.7`. nats-server 2.11.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use lease_group::{Effect, Group, HandlerError, Hints, Message, Sink};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "nats://127.0.0.1:4222".to_owned());
    let jetstream = jetstream::new(async_nats::connect(&url).await?);
    for (name, subject) in [("ORDERS", "orders.p.*"), ("BILLS", "bills.>")] {
        let config = stream::Config { name: name.to_owned(), subjects: vec![subject.to_owned()], ..Default::default() };
        jetstream.get_or_create_stream(config).await?;
    }

    let group = Group::builder(url)
        .stream("ORDERS")
        .name("billing-outputs")
        .subject_prefix("orders.p")
        .partitions(8)
        .lease_ttl(Duration::from_secs(10))
        .sink(Sink::new("BILLS", "bills.fence"))
        .hints(Hints::probe(Duration::from_millis(10)))
        .build()?;

    let member = group.join().await?;
    member
        .run(async |message: &Message| -> Result<(), HandlerError> {
            let output = message.output().ok_or_else(|| HandlerError::new("the group has no sink"))?;
            // The id makes a repeated order one bill, within the duplicate window of BILLS.
            let bill = Effect::new(format!("bills.p.{}", message.partition), message.payload.clone())
                .id(format!("order-{}", message.stream_sequence));
            let sequence = output.write(bill).await.map_err(|error| HandlerError::new(error.to_string()))?;
            println!("order {} is bill {sequence}", message.stream_sequence);
            Ok(())
        })
        .await?;
    Ok(())
}
