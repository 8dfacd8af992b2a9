//! The network of members and publishers fails in every way that jetlag knows, and is mended.

use jetlag::model::history::{History, Journal};
use jetlag::model::reading::{Scope, Stat};
use jetlag::model::record::{Fate, LifeEvent, OwnershipChange};
use jetlag::model::report::{FaultReport, RunState};
use jetlag::model::story::StoryEvent;
use jetlag::model::time::MonoNs;

use crate::access::{PASSWORD, USER, guarded_server};
use crate::place::{Place, Told};

fn profile(measure: &str, rest: &str) -> String {
    format!(
        "[run]\nwarm-up = \"500ms\"\nmeasure = \"{measure}\"\ndrain = \"30s\"\n[stream]\npartitions = 6\n\
         [load]\nrate = \"600/s\"\nkeys = 60\n{rest}"
    )
}

fn run(place: &Place, profile: &str) -> (Told, History) {
    place.profile(profile);
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    let history = jetlag::evidence::load(&told.folder).expect("the evidence is there");
    place.wait_until_nobody_is_left();
    (told, history)
}

fn journal<'a>(history: &'a History, author: &str) -> &'a Journal {
    let found = history.journals.iter().find(|journal| journal.author.to_string() == author);
    found.unwrap_or_else(|| panic!("{author} has no journal"))
}

/// When a fault was delivered to somebody, and when it had passed, on the clock of the journals.
fn lasted(history: &History, fault: u32) -> (MonoNs, MonoNs) {
    let at = |is_it: &dyn Fn(&StoryEvent) -> bool| {
        let line = history.story.iter().find(|line| is_it(&line.event));
        line.unwrap_or_else(|| panic!("fault {fault} was not delivered, or has not passed")).at
    };
    let delivered = at(&|event| matches!(event, StoryEvent::Delivered { id, .. } if *id == fault));
    (delivered, at(&|event| matches!(event, StoryEvent::Healed { id, .. } if *id == fault)))
}

fn instants_are_in_order(fault: &FaultReport) {
    let told = [Some(fault.at_ms), fault.delivered_ms, fault.observed_ms, fault.passed_ms];
    let instants: Vec<f64> = told.into_iter().flatten().collect();
    assert_eq!(instants.len(), 4, "{told:?}");
    assert!(instants.is_sorted(), "{told:?}");
    assert!(fault.window_end_ms >= instants[3] || fault.censored, "{fault:?}");
}

fn keeps_its_promises(told: &Told) {
    for metric in ["lost", "order_violations", "overlap", "dual_ownership", "stale_handling", "phantom", "misrouted"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
}

/// Partitions that `owner` owned at `at`.
fn owned_at(told: &Told, owner: &str, at_ms: f64) -> Vec<u16> {
    let spans = told.report.figures.ownership.iter();
    let of_it = spans.filter(|span| span.owner == owner && span.from_ms <= at_ms && at_ms <= span.to_ms);
    of_it.map(|span| span.partition).collect()
}

#[test]
fn a_member_that_is_cut_off_for_longer_than_its_lease_is_replaced_and_comes_back() {
    let place = Place::new();
    let (told, history) = run(
        &place,
        &profile(
            "8s",
            "[fleet]\nmembers = 3\n[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n[[fault]]\nkind = \"cut\"\ntarget = \"c0\"\n\
             at = \"1s\"\nlasting = \"3s\"\n",
        ),
    );
    keeps_its_promises(&told);
    assert_eq!(history.manifest.relayed, ["c0"], "nobody else goes through the relay");
    let fault = &told.report.faults[0];
    assert_eq!((fault.kind.as_str(), fault.struck.as_slice()), ("cut", &["c0.1".to_owned()][..]));
    instants_are_in_order(fault);

    let owned = owned_at(&told, "c0.1", fault.at_ms);
    assert!(!owned.is_empty(), "it owned something");
    let (delivered, healed) = lasted(&history, 0);
    let cut_off = journal(&history, "c0.1");
    for partition in owned {
        let gap = &fault.partitions[usize::from(partition)];
        assert!(gap.affected && gap.gap_ms.is_some_and(|gap| gap > 100.0), "{gap:?}");
        let phases = gap.phases.as_ref().expect("somebody took it over");
        assert!(phases.detect_ms.is_some() && phases.claim_ms.is_some(), "{phases:?}");
        // Who took it over did so while the old owner could not be told, and that one starts nothing then.
        let granted = |journal: &Journal| {
            let grants = journal.ownership.iter().filter(|record| {
                record.partition == partition && matches!(record.change, OwnershipChange::Granted { .. })
            });
            grants.map(|record| record.at).filter(|at| (delivered..healed).contains(at)).min()
        };
        let others = history.journals.iter().filter(|journal| journal.author != cut_off.author);
        let taken_over = others.filter_map(granted).min().expect("taken over before the cut was healed");
        let late = cut_off.handlings.iter().filter(|handling| handling.partition == partition);
        assert_eq!(late.filter(|handling| (taken_over..healed).contains(&handling.started)).count(), 0);
    }
    let back = cut_off.handlings.iter().filter(|handling| handling.started > healed).count();
    assert!(back > 0, "it is a member again");
}

#[test]
fn a_reset_makes_a_new_epoch_and_whoever_hears_or_is_heard_no_more_is_replaced() {
    let place = Place::new();
    let (told, history) = run(
        &place,
        &profile(
            "11s",
            "[fleet]\nmembers = 3\n[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"reset\"\ntarget = \"c0\"\nat = \"500ms\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"one-way\"\ndirection = \"to-server\"\ntarget = \"c1\"\nat = \"2s\"\nlasting = \"2s\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"one-way\"\ndirection = \"from-server\"\ntarget = \"c2\"\nat = \"6500ms\"\nlasting = \"2s\"\n",
        ),
    );
    keeps_its_promises(&told);
    assert_eq!(history.manifest.relayed, ["c0", "c1", "c2"]);
    for (number, fault) in told.report.faults.iter().enumerate() {
        let (delivered, healed) = lasted(&history, fault.id);
        let cut_off = journal(&history, &format!("c{number}.1"));
        let connected = |from: MonoNs, to: MonoNs| {
            let times = cut_off.life.iter().filter(|life| life.event == LifeEvent::Connected);
            times.filter(|life| from <= life.at && life.at < to).count()
        };
        if number > 0 {
            instants_are_in_order(fault);
            assert_eq!(connected(delivered, healed), 0, "no way leads past the relay");
        }
        assert!(connected(delivered, MonoNs(u64::MAX)) > 0, "c{number} has come back");
        let spans = &told.report.figures.ownership;
        for partition in owned_at(&told, &format!("c{number}.1"), fault.at_ms) {
            let of_it = || spans.iter().filter(|span| span.partition == partition);
            let before = of_it().filter(|span| span.from_ms <= fault.at_ms).map(|span| span.epoch).max();
            let after = of_it().filter(|span| span.from_ms > fault.at_ms).map(|span| span.epoch).max();
            assert!(after > before, "partition {partition}: {before:?}, then {after:?}");
        }
    }
}

#[test]
fn a_cluster_offers_no_way_past_the_relay_and_publishers_keep_their_order_through_cuts() {
    let place = Place::new();
    let (told, history) = run(
        &place,
        &profile(
            "8s",
            "publishers = 2\n[server]\nnodes = 3\n[fleet]\nmembers = 2\n[strategy]\nkind = \"shared-pull\"\nack-wait = \"1s\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"reset\"\nlasting = \"1500ms\"\ntarget = \"c0\"\nat = \"500ms\"\n\
             [[fault]]\nkind = \"cut\"\nlasting = \"1500ms\"\ntarget = \"p0\"\nat = \"3s\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"delay\"\ndelay = \"100ms\"\ndelay-jitter = \"20ms\"\nlasting = \"1s\"\ntarget = \"publisher:1\"\nat = \"5s\"\n\
             [[fault]]\nkind = \"cut\"\nhow = \"throttle\"\nrate = \"4KiB\"\nlasting = \"500ms\"\ntarget = \"p1\"\nat = \"6500ms\"\n",
        ),
    );
    for metric in ["lost", "publish_reordered", "duplicate_stored", "failed", "unknown", "phantom"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert_eq!(history.manifest.relayed, ["c0", "p0", "p1"]);
    told.report.faults.iter().for_each(instants_are_in_order);
    let (delivered, healed) = lasted(&history, 0);
    let connected = journal(&history, "c0.1").life.iter().filter(|life| life.event == LifeEvent::Connected);
    let again: Vec<MonoNs> = connected.map(|life| life.at).filter(|&at| at >= delivered).collect();
    assert!(again.iter().all(|&at| at >= healed) && !again.is_empty(), "{again:?} for {delivered:?} to {healed:?}");
    // What a publisher sends while its network stalls is stored when it is mended.
    let slowest = told.reading("publish", Stat::Max, &Scope::Run).expect("there is one");
    assert!(slowest > 1_000.0, "a message took {slowest} ms to be stored");
    let (delivered, healed) = lasted(&history, 2);
    // What is on its way when it is mended arrives at once.
    let delayed = journal(&history, "p1.1").publishes.iter().filter(|publish| publish.sent > delivered);
    let quickest = delayed.filter_map(|publish| match publish.fate {
        Fate::Stored { at, .. } if at < healed => Some(at.since(publish.sent).as_ms()),
        _ => None,
    });
    let quickest = quickest.fold(f64::INFINITY, f64::min);
    assert!((200.0..f64::INFINITY).contains(&quickest), "delayed there and back: {quickest} ms");
}

#[test]
fn messages_of_a_member_that_is_cut_off_come_again_and_tls_passes_the_relay() {
    let place = Place::new();
    place.profile(&profile(
        "5s",
        "[fleet]\nmembers = 2\n[strategy]\nkind = \"shared-pull\"\nack-wait = \"1s\"\n[[fault]]\nkind = \"cut\"\nat = \"1s\"\nlasting = \"2500ms\"\n\
         target = \"c1\"\n",
    ));
    let server = guarded_server(&place);
    let url = server.url().replace("nats://127.0.0.1", "tls://localhost");
    let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--user", USER, "--tls-ca", "ca.pem"];
    let mut command = place.jetlag(&words);
    command.env("JETLAG_PASSWORD", PASSWORD);
    let told = place.start(command).end().ended_with(0).report().is(RunState::Complete);
    instants_are_in_order(&told.report.faults[0]);
    assert_eq!(told.count("lost"), 0.0);
    assert!(told.count("redelivered") + told.count("regressed") > 0.0, "what it could not acknowledge comes again");
    let notes = &told.report.notes;
    assert!(notes.iter().any(|note| note.contains("c1 ran through jetlag's relay")), "{notes:?}");
}
