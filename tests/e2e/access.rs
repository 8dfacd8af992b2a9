//! A user's own server behind a password and TLS: it works, it is left clean, and the secret goes nowhere.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use jetlag::nats::{Given, Secret};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::place::Place;
use crate::server::OwnServer;

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "Xk7-swordfish-42";

const SHORT: &str = r#"
[run]
warm-up = "300ms"
measure = "2s"
[stream]
partitions = 4
[load]
rate = "100/s"
keys = 20
[fleet]
members = 2
[strategy]
kind = "lease-group"
ttl = "1s"
"#;

/// A certificate authority of the test's own, and a server that it vouches for.
pub(crate) fn guarded_server(place: &Place) -> OwnServer {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("a certificate");
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate =
        CertificateParams::new(names).expect("good names").signed_by(&key, &authority).expect("a signature");
    place.write("ca.pem", &authority.pem());
    place.write("server.pem", &certificate.pem());
    place.write("server.key", &key.serialize_pem());
    let configuration = format!(
        "tls {{ cert_file: \"{0}/server.pem\", key_file: \"{0}/server.key\" }}\nauthorization {{ user: {USER}, password: \"{PASSWORD}\" }}\n",
        place.path().display()
    );
    let given = Given {
        user: Some(USER.to_owned()),
        password: Some(Secret::from(PASSWORD.to_owned())),
        tls_ca: Some(place.path().join("ca.pem")),
        ..Given::default()
    };
    OwnServer::start_for(place, &configuration, given)
}

#[test]
fn a_run_behind_a_password_and_a_private_authority_works_and_the_secret_goes_nowhere() {
    let place = Place::new();
    place.profile(SHORT);
    let server = guarded_server(&place);
    let url = server.url();
    let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--user", USER, "--tls-ca", "ca.pem"];
    let mut command = place.jetlag(&words);
    command.env("JETLAG_PASSWORD", PASSWORD);
    let mut live = place.start(command);
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });

    let workers: Vec<_> = place.processes().into_iter().filter(|process| process.is_worker()).collect();
    assert_eq!(workers.len(), 4, "{workers:#?}");
    for process in place.processes() {
        assert!(
            !process.words.iter().any(|word| holds(word.as_bytes(), PASSWORD)),
            "a list of processes shows it: {:?}",
            process.words
        );
    }
    for process in workers {
        assert!(
            !process.environment.iter().any(|pair| holds(pair.as_bytes(), PASSWORD)),
            "a worker's environment shows it"
        );
    }

    let ended = live.end().ended_with(0);
    let told = ended.report().is(RunState::Complete);
    assert!(told.count("handled") > 0.0);
    assert!(!told.report.environment.server_embedded);
    assert!(!holds(ended.out.as_bytes(), PASSWORD) && !holds(ended.err.as_bytes(), PASSWORD));
    let files = files_below(&place.path().join("out"));
    assert!(files.iter().any(|(path, _)| path.ends_with("manifest.json")) && files.len() > 5);
    for (path, bytes) in files {
        assert!(!holds(&bytes, PASSWORD), "{path} shows it");
    }
    assert_eq!(server.streams(), [""; 0], "it removes what it made");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_secret_in_the_address_is_taken_out_of_everything_that_is_written() {
    let place = Place::new();
    place.profile(SHORT);
    let server = OwnServer::start_for(
        &place,
        &format!("authorization {{ user: {USER}, password: \"{PASSWORD}\" }}\n"),
        Given { user: Some(USER.to_owned()), password: Some(Secret::from(PASSWORD.to_owned())), ..Given::default() },
    );
    let url = server.url().replace("nats://", &format!("nats://{USER}:{PASSWORD}@"));
    let ended = place
        .run(&["run", "profile.toml", "--out", "out", "--keep", "--set", "run.measure=500ms", "--server", &url])
        .ended_with(0);
    assert!(!holds(ended.out.as_bytes(), PASSWORD) && !holds(ended.err.as_bytes(), PASSWORD), "{ended:?}");
    for (path, bytes) in files_below(&place.path().join("out")) {
        assert!(!holds(&bytes, PASSWORD), "{path} shows it");
    }
    let told = ended.report();
    assert!(told.report.run.command.contains("nats://"), "{}", told.report.run.command);
    let kept = server.streams();
    let id = &told.report.run.id;
    assert!(kept.len() == 2 && kept.iter().all(|name| name.contains(id)), "--keep leaves stream and bucket: {kept:?}");
    let run = told.folder.to_string_lossy().into_owned();
    let cleaned = place.run(&["clean", &run, "--server", &url, "--json"]).ended_with(0);
    assert_eq!(cleaned.out, format!("{{\"exit_code\":0,\"removed\":[\"jetlag-{id}\"]}}\n"));
    assert_eq!(server.streams(), Vec::<String>::new(), "clean removes what was kept");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let place = Place::new();
    place.profile(SHORT);
    let server = guarded_server(&place);
    let url = server.url();
    let words =
        ["run", "profile.toml", "--out", "out", "--json", "--server", &url, "--user", USER, "--tls-ca", "ca.pem"];
    let mut command = place.jetlag(&words);
    command.env("JETLAG_PASSWORD", "wrong-horse-9");
    let ended = place.start(command).end().ended_with(3);
    assert!(ended.err.contains("refused user 'alice'") && ended.err.contains("check the user"), "{}", ended.err);
    let object: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    assert_eq!(object["exit_code"], 3);
    assert!(!format!("{}{}", ended.out, ended.err).contains("wrong-horse"), "{ended:?}");
    assert!(place.run_folder().is_none(), "there was no run");
    assert_eq!(server.streams(), [""; 0]);

    let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--user", USER];
    let mut command = place.jetlag(&words);
    command.env("JETLAG_PASSWORD", PASSWORD);
    let ended = place.start(command).end().ended_with(3);
    assert!(ended.err.contains("TLS with") && ended.err.contains("give the CA"), "an unknown authority: {}", ended.err);
    place.wait_until_nobody_is_left();
}

/// Whether `secret` stands somewhere in `bytes`.
pub(crate) fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// All files below a folder, with what is in them.
pub(crate) fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}

#[test]
fn a_right_that_members_lack_is_named_before_the_load_begins_and_not_charged_to_the_strategy() {
    for (kind, denied) in [("lease-group", "$JS.API.CONSUMER.CREATE"), ("shared-pull", "$JS.API.CONSUMER.MSG.NEXT")] {
        let place = Place::new();
        let given =
            Given { user: Some("root".into()), password: Some(Secret::from("root".to_owned())), ..Given::default() };
        let users = format!(
            "authorization {{ users: [ {{ user: root, password: root }}, {{ user: few, password: few, permissions: {{ publish: {{ deny: \"{denied}.>\" }} }} }} ] }}"
        );
        let server = OwnServer::start_for(&place, &users, given);
        place.profile(&format!("[run]\nmeasure = \"500ms\"\ndrain = \"2s\"\n[strategy]\nkind = \"{kind}\"\n"));
        let url = server.url().replace("nats://", "nats://few:few@");
        let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &url]).ended_with(3);
        assert!(ended.err.contains(denied) && ended.err.contains("right"), "{}", ended.err);
        assert!(!ended.err.contains('\x1b'), "{}", ended.err);
        println!("{}", ended.err);
    }
}
