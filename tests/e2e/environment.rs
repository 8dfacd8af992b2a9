//! An environment or a profile that does not let a run happen: the exit code, what is wrong, and what to do about it.

use crate::place::{Ended, Place};

/// Asserts that it says all of this on standard error, and made no run.
fn says(place: &Place, ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(ended.err.contains(word), "it does not say {word:?}: {}", ended.err);
    }
    assert!(place.run_folder().is_none(), "there was nothing to make a run of");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_server_program_that_is_none_is_told_with_the_remedy() {
    let place = Place::new();
    place.write("no-server", "#!/bin/sh\necho hello\n");
    std::fs::set_permissions(place.path().join("no-server"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("ours");
    for (path, why) in [("no-server", "no-server"), ("missing", "missing"), ("profile.toml", "profile.toml")] {
        place.profile("");
        let mut command = place.jetlag(&["run", "profile.toml", "--out", "out"]);
        command.env("JETLAG_NATS_SERVER", place.path().join(path));
        let ended = place.start(command).end().ended_with(3);
        says(&place, &ended, &["error: JETLAG_NATS_SERVER names", why, "correct it, or unset it"]);
    }
}

#[test]
fn a_server_where_nobody_listens_is_told_with_the_remedy() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("nats://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let ended = place.run(&["run", "quick", "--out", "out", "--server", &url]).ended_with(3);
    says(&place, &ended, &["cannot reach a NATS server at", &url, "check address and port"]);
}

#[test]
fn a_server_without_jetstream_is_told_with_the_remedy() {
    let place = Place::new();
    place.profile("");
    let server = crate::server::OwnServer::start_plain(&place);
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3);
    assert!(ended.err.contains("is JetStream enabled"), "{}", ended.err);
    place.wait_until_nobody_is_left();
}

#[test]
fn an_output_folder_that_cannot_be_made_is_told() {
    let place = Place::new();
    place.profile("");
    place.write("occupied", "a file");
    let ended = place.run(&["run", "profile.toml", "--out", "occupied/here"]).ended_with(3);
    says(&place, &ended, &["occupied/here"]);
}

#[test]
fn a_folder_that_holds_no_run_cannot_be_analysed() {
    let place = Place::new();
    for words in [["analyze", "."], ["report", "."]] {
        let ended = place.run(&words).ended_with(3);
        says(&place, &ended, &["error: "]);
    }
}

#[test]
fn a_password_that_is_nowhere_is_asked_for_by_its_variable() {
    let place = Place::new();
    let ended = place.run(&["run", "quick", "--server", "nats://127.0.0.1:1", "--user", "alice"]).ended_with(2);
    says(&place, &ended, &["JETLAG_PASSWORD"]);
}
