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
