//! What operators do to a running group, on real servers: every line of the table in the crate's README.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fence;
mod leader;
mod server;
mod worker;

use std::time::Duration;

use async_nats::ConnectOptions;
use lease_group::{Hints, JoinError, LostReason, MemberError, PartitionEvent};
use server::Server;
use tokio::task::LocalSet;
use worker::{TTL, Worker, connect, group, make_stream, publish, until};

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

fn lease(session: u128, more: &str, ttl_ms: u64, expires_at: u64) -> String {
    format!(
        r#"{{"version":1,{more}"worker":"w","session":"{session:032x}","ckpt":0,"state":"own","ttl_ms":{ttl_ms},"expires_at":{expires_at}}}"#
    )
}

#[test]
fn a_record_that_is_not_ours_is_left_alone_and_the_rest_goes_on() {
    run(async {
        let server = Server::start("");
        let jetstream = connect(&server.url).await;
        make_stream(&jetstream).await;
        Worker::join(group(&server.url, "records", 7)).await.unwrap().leave().await;
        let bucket = jetstream.get_key_value("records").await.unwrap();
        // A lease written by somebody whose clock is far behind, and by one far ahead: neither is compared with ours.
        let records = [
            ("l.0", "no json".to_owned()),
            ("l.1", r#"{"version":2,"owner":"newer"}"#.to_owned()),
            ("l.2", lease(7, r#""epoch":18446744073709551615,"#, 1000, 0)),
            ("l.3", lease(7, r#""partition":1,"epoch":9,"#, 1000, 0)),
            ("l.4", lease(7, r#""partition":4,"epoch":9,"colour":"blue","#, 3000, 0)),
            ("l.5", lease(7, r#""epoch":9,"#, 1000, u64::MAX)),
            ("l.77", "beyond the partitions".to_owned()),
            ("m.nobody", "no heartbeat".to_owned()),
            ("note", "of an operator".to_owned()),
        ];
        for (key, record) in records {
            bucket.put(key, record.into()).await.unwrap();
        }
        let before = std::time::Instant::now();
        let worker = Worker::join(group(&server.url, "records", 7)).await.unwrap();
        let mut sequences = Vec::new();
        for partition in 0..7 {
            sequences.push(publish(&jetstream, partition).await);
        }
        for partition in 4..7 {
            let sequence = sequences[partition as usize];
            until("what can be read is handled", || worker.has_handled(partition, sequence)).await;
        }
        let first = worker.handled().into_iter().find(|handled| handled.partition == 4).unwrap();
        assert!(first.at - before >= TTL * 3, "its owner's whole time, although his clock said that it was over");
        assert_eq!(first.epoch, 10);
        for partition in 0..4 {
            let unreadable =
                |of: u32, event: &PartitionEvent| of == partition && matches!(event, PartitionEvent::Unreadable { .. });
            assert!(worker.told(unreadable), "{partition}: {:?}", worker.events());
            assert!(!worker.has_handled(partition, sequences[partition as usize]));
        }
        // Put right by an operator: deleted, it begins anew.
        bucket.delete("l.0").await.unwrap();
        until("the partition is taken", || worker.has_handled(0, sequences[0])).await;
        // Spoilt under its owner: he stops, and leaves it alone.
        bucket.put("l.6", "spoilt".into()).await.unwrap();
        let superseded = |of: u32, event: &PartitionEvent| {
            of == 6 && matches!(event, PartitionEvent::Lost { reason: LostReason::Superseded, .. })
        };
        until("the owner stops", || worker.told(superseded)).await;
        let sequence = publish(&jetstream, 5).await;
        until("the others go on", || worker.has_handled(5, sequence)).await;
        worker.leave().await;
    });
}

#[test]
fn a_bucket_that_is_taken_away_ends_its_members_with_the_reason() {
    run(async {
        let server = Server::start("");
        let jetstream = connect(&server.url).await;
        make_stream(&jetstream).await;
        let first = publish(&jetstream, 0).await;
        let old = Worker::join(group(&server.url, "gone", 2)).await.unwrap();
        until("it works", || old.has_handled(0, first)).await;
        jetstream.delete_key_value("gone").await.unwrap();
        let error = old.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Bucket { reason, .. } if reason.contains("was deleted")), "{error}");

        // Emptied: no lease stands any more. Whoever lived through it begins anew under later epochs.
        let new = Worker::join(group(&server.url, "gone", 2)).await.unwrap();
        until("it begins anew", || new.has_handled(0, first)).await;
        jetstream.get_stream("KV_gone").await.unwrap().purge().await.unwrap();
        until("it begins anew again", || {
            new.handled().iter().any(|handled| handled.partition == 0 && handled.epoch > 1)
        })
        .await;

        // Made anew by somebody who joins before the others notice.
        jetstream.delete_key_value("gone").await.unwrap();
        let third = Worker::join(group(&server.url, "gone", 2)).await.unwrap();
        let error = new.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Bucket { reason, .. } if reason.contains("deleted")), "{error}");
        until("the newcomer works", || third.has_handled(0, first)).await;

        let mut config = jetstream.get_stream("KV_gone").await.unwrap().cached_info().config.clone();
        config.sealed = true;
        jetstream.update_stream(config).await.unwrap();
        let error = third.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Bucket { reason, .. } if reason.contains("sealed")), "{error}");
        let Err(error) = Worker::join(group(&server.url, "gone", 2)).await else { panic!("a sealed bucket") };
        assert!(error.to_string().contains("sealed"), "{error}");
    });
}

#[test]
fn what_is_done_to_the_stream_is_borne_or_ends_the_member_with_the_reason() {
    run(async {
        let server = Server::start("");
        let jetstream = connect(&server.url).await;
        make_stream(&jetstream).await;
        let worker = Worker::join(group(&server.url, "edited", 1)).await.unwrap();
        let first = publish(&jetstream, 0).await;
        until("it works", || worker.has_handled(0, first)).await;
        let stream = jetstream.get_stream("S").await.unwrap();

        let deleted = publish(&jetstream, 0).await;
        stream.delete_message(deleted).await.unwrap();
        stream.purge().await.unwrap();
        let next = publish(&jetstream, 0).await;
        until("a purge is borne", || worker.has_handled(0, next)).await;

        let epoch = worker.handled().last().unwrap().epoch;
        stream.delete_consumer(&format!("edited-p0-e{epoch}")).await.unwrap();
        let next = publish(&jetstream, 0).await;
        until("a deleted consumer is replaced", || worker.has_handled(0, next)).await;
        assert!(worker.handled().last().unwrap().epoch > epoch);

        let mut config = stream.cached_info().config.clone();
        config.subjects.push("more.>".to_owned());
        jetstream.update_stream(&config).await.unwrap();
        let next = publish(&jetstream, 0).await;
        until("another subject is borne", || worker.has_handled(0, next)).await;

        config.retention = async_nats::jetstream::stream::RetentionPolicy::Interest;
        jetstream.update_stream(&config).await.unwrap();
        let error = worker.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Stream { reason, .. } if reason.contains("interest")), "{error}");
        let Err(JoinError::Retention { .. }) = Worker::join(group(&server.url, "edited", 1)).await else {
            panic!("interest retention was taken");
        };

        config.retention = async_nats::jetstream::stream::RetentionPolicy::Limits;
        config.sealed = true;
        let last = publish(&jetstream, 0).await;
        jetstream.update_stream(&config).await.unwrap();
        let worker = Worker::join(group(&server.url, "edited", 1)).await.unwrap();
        until("a sealed stream is read to its end", || worker.has_handled(0, last)).await;
        jetstream.delete_stream("S").await.unwrap();
        let error = worker.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Stream { reason, .. } if reason.contains("was deleted")), "{error}");
    });
}

#[test]
fn who_loses_his_rights_leaves_and_the_others_take_over() {
    run(async {
        let users = |more: &str| {
            format!(
                "authorization {{ users: [ {{ user: a, password: a, permissions: {{ publish: {{ allow: [\">\"] {more} }}, subscribe: \">\" }} }}, {{ user: b, password: b }} ] }}\n"
            )
        };
        let server = Server::start(&users(""));
        let as_user = |user: &str| ConnectOptions::with_user_and_password(user.to_owned(), user.to_owned());
        let client = as_user("b").connect(&server.url).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        make_stream(&jetstream).await;
        let of = |user: &str| group(&server.url, "rights", 4).worker(user).connect_options(as_user(user));
        let poor = Worker::join(of("a")).await.unwrap();
        let rich = Worker::join(of("b")).await.unwrap();
        let works = |worker: &Worker| worker.told(|_, event| matches!(event, PartitionEvent::Opened { .. }));
        until("both work", || works(&poor) && works(&rich)).await;
        server.reload(&users(", deny: [\"$KV.>\", \"$JS.API.>\"]"));
        until("it is told", || poor.was_refused()).await;
        let error = poor.ended().await.unwrap_err();
        assert!(matches!(error, MemberError::Refused { .. }), "{error}");
        for partition in 0..4 {
            let sequence = publish(&jetstream, partition).await;
            until("the other takes over", || rich.has_handled(partition, sequence)).await;
        }
        rich.leave().await;
    });
}

#[test]
fn who_may_no_longer_probe_or_write_leases_leaves_for_the_leases_alone() {
    run(async {
        let users = |more: &str| {
            format!(
                "authorization {{ users: [ {{ user: a, password: a, permissions: {{ publish: {{ allow: [\">\"] {more} }}, subscribe: \">\" }} }}, {{ user: b, password: b }} ] }}\n"
            )
        };
        let server = Server::start(&users(""));
        let as_user = |user: &str| ConnectOptions::with_user_and_password(user.to_owned(), user.to_owned());
        let jetstream = async_nats::jetstream::new(as_user("b").connect(&server.url).await.unwrap());
        make_stream(&jetstream).await;
        let hints = || Hints::probe(Duration::from_millis(20));
        let of = |user: &str| {
            let group = group(&server.url, "hinted", 4).hints(hints()).unsafe_hints(true).liveness_subject("alive");
            group.worker(user).connect_options(as_user(user))
        };
        let poor = Worker::join(of("a")).await.unwrap();
        let rich = Worker::join(of("b")).await.unwrap();
        let works = |worker: &Worker| worker.told(|_, event| matches!(event, PartitionEvent::Opened { .. }));
        until("both work", || works(&poor) && works(&rich)).await;
        server.reload(&users(", deny: [\"alive.>\"]"));
        until("it is told", || poor.was_refused()).await;
        // What it may not do now costs it the hints, and nothing else.
        tokio::time::sleep(TTL * 2).await;
        for partition in 0..4 {
            let sequence = publish(&jetstream, partition).await;
            until("it is handled", || poor.has_handled(partition, sequence) || rich.has_handled(partition, sequence))
                .await;
        }
        server.reload(&users(", deny: [\"alive.>\", \"$KV.hinted.l.>\"]"));
        let error = poor.ended().await.unwrap_err();
        assert!(matches!(&error, MemberError::Refused { reason } if reason.contains(".l.")), "{error}");
        rich.leave().await;
    });
}

#[test]
fn one_label_is_no_identity_and_another_group_is_refused() {
    run(async {
        let server = Server::start("");
        let jetstream = connect(&server.url).await;
        make_stream(&jetstream).await;
        let one = Worker::join(group(&server.url, "twins", 4).worker("pod")).await.unwrap();
        let other = Worker::join(group(&server.url, "twins", 4).worker("pod")).await.unwrap();
        assert_ne!(one.session(), other.session());
        let granted = |worker: &Worker| worker.told(|_, event| matches!(event, PartitionEvent::Opened { .. }));
        until("both own something", || granted(&one) && granted(&other)).await;
        for partition in 0..4 {
            let sequence = publish(&jetstream, partition).await;
            let (one, other) = (&one, &other);
            until("it is handled", || one.has_handled(partition, sequence) || other.has_handled(partition, sequence))
                .await;
            assert!(
                !(one.has_handled(partition, sequence) && other.has_handled(partition, sequence)),
                "by one of them"
            );
        }

        for stranger in [group(&server.url, "twins", 5), group(&server.url, "twins", 4).subject_prefix("t.p")] {
            let Err(error) = Worker::join(stranger).await else { panic!("another group was let in") };
            assert!(matches!(error, JoinError::OtherGroup { .. }), "{error}");
        }
        // As a later version would write it.
        let config = async_nats::jetstream::kv::Config {
            bucket: "later".to_owned(),
            description: "lease-group 2: something else".to_owned(),
            ..Default::default()
        };
        jetstream.create_key_value(config).await.unwrap();
        let Err(error) = Worker::join(group(&server.url, "later", 4)).await else { panic!("another version") };
        assert!(error.to_string().contains("lease-group 2"), "{error}");
        let lost = |worker: &Worker| worker.told(|_, event| matches!(event, PartitionEvent::Lost { .. }));
        assert!(!lost(&one) && !lost(&other), "the running group was disturbed");
        let sequence = publish(&jetstream, 0).await;
        until("it works on", || one.has_handled(0, sequence) || other.has_handled(0, sequence)).await;
        one.leave().await;
        other.leave().await;
    });
}
