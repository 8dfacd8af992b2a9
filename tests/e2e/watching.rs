//! What is seen of a run while it goes on, and of a machine before: the endpoint, the doctor, completions and manual pages.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::place::Place;
use crate::processes::wait_for;

/// What the endpoint at `address` answers.
fn ask(address: &str) -> Option<String> {
    let mut endpoint = TcpStream::connect(address).ok()?;
    endpoint.write_all(b"GET /metrics HTTP/1.1\r\nHost: jetlag\r\n\r\n").ok()?;
    let mut said = String::new();
    endpoint.read_to_string(&mut said).ok()?;
    let (head, body) = said.split_once("\r\n\r\n")?;
    assert!(
        head.starts_with("HTTP/1.1 200 OK") && head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    Some(body.to_owned())
}

/// The value of the first sample of a family.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.split('{').next() == Some(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_live_run_tells_how_far_it_is() {
    let place = Place::new();
    place.profile(
        "[run]\nwarm-up = \"1s\"\nmeasure = \"6s\"\n[load]\nrate = \"500/s\"\n[[fault]]\nkind = \"kill\"\ntarget = \"c0\"\nat = \"1s\"\n",
    );
    let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--metrics", "0"]));
    let address = wait_for("the endpoint to be told", || {
        let said = std::fs::read_to_string(place.path().join("stderr")).unwrap_or_default();
        let (_, rest) = said.split_once("metrics: http://")?;
        Some(rest.split_once("/metrics\n")?.0.to_owned())
    });
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let told = wait_for("messages and a fault to be told", || {
        let told = ask(&address)?;
        let faults = value(&told, "jetlag_faults_total").is_some_and(|count| count >= 1.0);
        (value(&told, "jetlag_messages_handled_total").is_some_and(|count| count > 0.0) && faults).then_some(told)
    });
    assert!(told.contains("profile=\"profile\"") && told.contains("strategy=\"lease-group\""), "{told}");
    assert!(value(&told, "jetlag_members").is_some() && told.ends_with("# EOF\n"), "{told}");
    live.end().ended_with(0);
    place.wait_until_nobody_is_left();
}

#[test]
fn the_runs_of_a_gate_tell_how_far_they_are_one_after_the_other() {
    let place = Place::new();
    place.profile(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"2s\"\n[load]\nrate = \"200/s\"\n[gate]\nmin-repeats = 2\nmax-repeats = 2\nrules = { lost = \"= 0\" }\n",
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let live = place.start(place.jetlag(&["gate", "--run", "profile.toml", "--out", "out", "--metrics", &address]));
    let mut runs = std::collections::BTreeSet::new();
    wait_for("both runs to be heard", || {
        let told = ask(&address)?;
        let (_, rest) = told.split_once("jetlag_run_info{run=\"")?;
        runs.insert(rest.split('"').next()?.to_owned());
        (runs.len() == 2).then_some(())
    });
    live.end().ended_with(0);
    place.wait_until_nobody_is_left();
    let any = place.run(&["gate", "--run", "profile.toml", "--metrics", "0"]).ended_with(2);
    assert!(any.err.contains("name one, like 9464"), "{}", any.err);
}

#[test]
fn a_port_that_is_taken_is_told_and_no_run_is_made() {
    let place = Place::new();
    place.profile("");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--metrics", &port, "--json"]).ended_with(3);
    assert!(ended.err.contains("for --metrics"), "{}", ended.err);
    let said: serde_json::Value = serde_json::from_str(&ended.out).expect("an object");
    assert_eq!(said["exit_code"], 3);
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--tui"]).ended_with(2);
    assert!(ended.err.contains("--tui needs a terminal"), "{}", ended.err);
    assert!(place.run_folder().is_none());
}

#[test]
fn the_doctor_says_what_it_found_and_leaves_nothing() {
    let place = Place::new();
    let ended = place.run(&["doctor", "--json", "--out", "out/deep"]).ended_with(0);
    let said: serde_json::Value = serde_json::from_str(&ended.out).expect("an object");
    assert_eq!((&said["schema"], &said["exit_code"]), (&"jetlag.checkup/1".into(), &0.into()));
    assert!(said["measured"]["generator"]["stored_per_s"].as_f64().is_some_and(|rate| rate > 0.0), "{said}");
    let subjects: std::collections::BTreeSet<&str> =
        said["findings"].as_array().expect("a list").iter().filter_map(|finding| finding["subject"].as_str()).collect();
    let all = ["build", "clock", "disk", "files", "generator", "network", "processor", "server"];
    assert_eq!(subjects.into_iter().collect::<Vec<_>>(), all);
    let left: Vec<_> =
        std::fs::read_dir(place.path()).expect("the place").map(|it| it.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| ["stdout", "stderr"].iter().any(|known| name == known)), "{left:?}");
    place.wait_until_nobody_is_left();
}

#[test]
fn the_doctor_says_when_no_run_can_be_made() {
    let place = Place::new();
    place.write("occupied", "a file");
    let mut command = place.jetlag(&["doctor", "--out", "occupied/here"]);
    command.env("JETLAG_NATS_SERVER", place.path().join("missing"));
    let ended = place.start(command).end().ended_with(3);
    for word in ["unfit", "JETLAG_NATS_SERVER names", "occupied is a file", "do: name a folder"] {
        assert!(ended.out.contains(word), "no {word:?} in\n{}", ended.out);
    }
}

#[test]
fn manual_pages_and_completions_are_written() {
    let place = Place::new();
    let ended = place.run(&["man", "--out", "man1"]).ended_with(0);
    for page in ["jetlag.1", "jetlag-run.1", "jetlag-baseline-save.1"] {
        let text = std::fs::read_to_string(place.path().join("man1").join(page)).expect("a page");
        assert!(text.contains(".TH"), "{page}: {text}");
    }
    assert_eq!(ended.out, "man1\n");
    assert!(!place.path().join("man1/jetlag-worker.1").exists(), "what is hidden has no page");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).ended_with(0).out;
        assert!(script.contains("metrics"), "{shell}: {script}");
    }
}
