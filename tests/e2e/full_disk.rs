//! No room left: a clear error, no crash of a process, nobody left behind.

use std::process::Command;

use crate::place::Place;

const PROFILE: &str = r#"
[run]
warm-up = "300ms"
measure = "10m"
[stream]
partitions = 4
[load]
rate = "200/s"
keys = 40
[fleet]
members = 2
"#;

#[test]
fn a_limit_on_file_sizes_is_told_as_no_room_and_nobody_is_left() {
    let place = Place::new();
    place.profile(PROFILE);
    // A file may not outgrow 1 MiB: a journal's first segment does not fit. Ignored, the signal becomes an error.
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" run profile.toml --out out";
    command.args(["-c", script, env!("CARGO_BIN_EXE_jetlag")]);
    place.at_home(&mut command);
    let ended = place.start(command).end().ended_with(3);
    assert!(ended.err.contains("no room for") && ended.err.contains("--out"), "{}", ended.err);
    place.wait_until_nobody_is_left();
}

/// What the script below ends with when it may not make a small disk.
const NO_SMALL_DISK: i32 = 99;

#[test]
fn a_disk_that_fills_up_is_told_and_nobody_is_left() {
    let place = Place::new();
    // The server's store takes the room away from the journals and the driver's story in some seconds.
    place.profile(&PROFILE.replace("rate = \"200/s\"", "rate = \"500/s\"\npayload = \"64KiB\""));
    std::fs::create_dir(place.path().join("out")).expect("a folder");
    let mut command = Command::new("sh");
    // In namespaces of its own even an ordinary user may mount a disk of 112 MiB, which goes away with the last process.
    let script = "exec unshare --user --map-root-user --mount sh -c '
        mount -t tmpfs -o size=112m tmpfs out || exit 99
        exec \"$0\" run profile.toml --out out' \"$0\" || exit 99";
    command.args(["-c", script, env!("CARGO_BIN_EXE_jetlag")]);
    place.at_home(&mut command);
    let ended = place.start(command).end();
    place.wait_until_nobody_is_left();
    let refused = ended.err.contains("unshare") || ended.code == Some(NO_SMALL_DISK);
    if refused && !ended.err.contains("error: ") {
        eprintln!("NOT TESTED, because this machine does not let a test mount a small disk: {}", ended.err);
        return;
    }
    let ended = ended.ended_with(3);
    assert!(ended.err.contains("no room for") || ended.err.contains("is full"), "{}", ended.err);
    assert!(!ended.err.contains("SIGBUS") && !ended.err.contains("panicked"), "{}", ended.err);
}
