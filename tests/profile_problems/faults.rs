//! Faults that cannot strike.

use jetlag::profile;

use crate::drawn::{sets, wrong};

#[test]
fn faults_that_cannot_strike_are_told() {
    let text = r#"# hm?
[run]
measure = "30s"
[stream]
partitions = 8
[strategy]
kind = "shared-pull"
[[fault]]
kind = "kill"
[[fault]]
kind = "kill"
at = "3s"
every = "3s"
[[fault]]
kind = "kill"
at = "30s"
[[fault]]
kind = "kill"
at = "3s"
times = 3
[[fault]]
kind = "kill"
every = "40s"
[[fault]]
kind = "kill"
every = "0s"
[[fault]]
kind = "kill"
from = "10s"
every = "2s"
until = "9s"
[[fault]]
kind = "leave"
every = "2s"
until = "1m"
[[fault]]
kind = "join"
at = "8s"
target = "c2"
[[fault]]
kind = "kill"
at = "7s"
target = "c4"
[[fault]]
kind = "join"
at = "8s"
[[fault]]
kind = "kill"
at = "9s"
target = "owner-of:8"
[[fault]]
kind = "pause"
at = "1s"
lasting = "0s"
[[fault]]
kind = "kill"
at = "29s"
jitter = "2s"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn cuts_and_slow_handlers_that_cannot_work_are_told() {
    let text = r#"# hm?
[run]
measure = "30s"
[load]
publishers = 2
[fleet]
handler = "none"
[[fault]]
kind = "cut"
at = "1s"
how = "stal"
[[fault]]
kind = "cut"
at = "1s"
target = "p2"
lasting = "0s"
delay = "1ms"
delay-jitter = "1ms"
rate = "1KiB"
direction = "to-server"
[[fault]]
kind = "cut"
at = "1s"
how = "delay"
delay = "0s"
[[fault]]
kind = "cut"
at = "1s"
how = "throttle"
rate = "10B"
[[fault]]
kind = "slow"
at = "1s"
target = "p0"
by = "0.5x"
[[fault]]
kind = "slow"
at = "1s"
lasting = "0s"
by = "5"
[[fault]]
kind = "slow"
at = "1s"
by = "2x"
to = "3h"
[[fault]]
kind = "kill"
at = "2s"
target = "p1"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
    let fixed = text.replace("stal\"", "stall\"").replace("by = \"5\"", "by = \"5x\"");
    insta::assert_snapshot!(wrong(&fixed, &[]));
    let external = "# hm?\n[strategy]\nkind = \"external\"\ncommand = [\"./member\"]\n[[fault]]\nkind = \"cut\"\nat = \"1s\"\n\
                    [[fault]]\nkind = \"slow\"\nat = \"2s\"\n[[fault]]\nkind = \"cut\"\nat = \"3s\"\ntarget = \"p0\"\n";
    insta::assert_snapshot!(wrong(external, &[]));
}

#[test]
fn a_random_restart_needs_somebody_who_has_died() {
    let text = "[[fault]]\nkind = \"restart\"\nat = \"1s\"\n[[fault]]\nkind = \"kill\"\nat = \"2s\"\n";
    insta::assert_snapshot!(wrong(text, &[]));
    assert!(profile::parse("test", "test.toml", text, &sets(&["fault.0.at=3s"])).is_ok());
}
