//! Nothing outlives the driver: real drivers are killed with SIGKILL while they start children, and all must be gone.
//!
//! The test binary plays the other roles too: a variable in the environment tells which.

// Who is left is read from /proc.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::BufRead;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jetlag::process::{Child, Reaper, reaper};

const PATIENCE: Duration = Duration::from_secs(30);
const ROLE: &str = "JETLAG_TEST_ROLE";

/// This binary in another role. Played by a test of that name, which is idle without its role.
fn role(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.args(["--exact", name, "--nocapture", "--quiet"]).env(ROLE, name);
    command
}

fn plays(name: &str) -> bool {
    std::env::var_os(ROLE).is_some_and(|role| role == name)
}

async fn start_reaper() -> Reaper {
    Reaper::start_with(role("role_of_a_reaper").into()).await.expect("the reaper starts")
}

/// A child of the driver whose reaper is `group`: its command line says so, whatever group it ends up in.
fn sleeping(group: u32) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("sleep");
    command.arg(mark(group));
    command
}

fn mark(group: u32) -> String {
    format!("1000.{group}")
}

#[test]
fn role_of_a_reaper() {
    if plays("role_of_a_reaper") {
        reaper::run().expect("it leads its group");
    }
}

/// A driver that starts children, pauses every second one, and never comes to an end of it.
#[test]
fn role_of_a_driver() {
    if !plays("role_of_a_driver") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let reaper = start_reaper().await;
        let group = reaper.pid().number();
        println!("group {group}");
        let mut children = Vec::new();
        loop {
            let child = Child::spawn("sleeper", sleeping(group), reaper.group()).expect("it starts");
            if children.len() % 2 == 0 {
                child.handle().stop().expect("it lives");
            }
            children.push(child);
            if children.len() == 3 {
                println!("three");
            }
            if children.len() == 200 {
                // Enough is started; wait to be killed.
                tokio::time::sleep(PATIENCE * 4).await;
            }
        }
    });
}

/// The processes that are in the group or should be, and are not dead (a zombie is: nobody has waited for it yet).
fn members(group: u32) -> BTreeSet<u32> {
    let processes = std::fs::read_dir("/proc").expect("there is /proc");
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
            let state = fields.next()?;
            let of: u32 = fields.nth(1)?.parse().ok()?;
            let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let is_marked = command_line.split(|byte| *byte == 0).any(|word| word == mark(group).as_bytes());
            ((of == group || is_marked) && !matches!(state, "Z" | "X")).then_some(pid)
        })
        .collect()
}

fn wait_until_empty(group: u32) {
    let deadline = Instant::now() + PATIENCE;
    while !members(group).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", members(group));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whenever_a_driver_is_killed_no_child_stays() {
    // Killed at another point of its work each time, most of them in the middle of starting children.
    for round in 0..30_u64 {
        let mut driver = role("role_of_a_driver").stdout(Stdio::piped()).spawn().expect("the driver starts");
        let mut lines = std::io::BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let mut expect = |word: &str| loop {
            let line = lines.next().expect("the driver speaks").expect("in text");
            if let Some((_, rest)) = line.split_once(word) {
                break rest.trim().to_owned();
            }
        };
        let group: u32 = expect("group ").parse().expect("a number");
        if round % 3 == 0 {
            expect("three");
        }
        std::thread::sleep(Duration::from_micros(round * 700));
        driver.kill().expect("it lives");
        driver.wait().expect("it is ours");
        wait_until_empty(group);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_reaper_outlives_every_polite_signal_and_takes_all_along_at_the_end() {
    let reaper = start_reaper().await;
    let group = reaper.pid().number();
    let mut running = Child::spawn("running", sleeping(group), reaper.group()).expect("it starts");
    let mut paused = Child::spawn("paused", sleeping(group), reaper.group()).expect("it starts");
    paused.handle().stop().expect("it lives");
    for signal in ["-INT", "-TERM", "-HUP", "-QUIT"] {
        assert!(Command::new("kill").args([signal, &group.to_string()]).status().expect("kill runs").success());
    }
    assert_eq!(members(group).len(), 3, "the reaper and both children");
    reaper.end().await.expect("it ends");
    for child in [&mut running, &mut paused] {
        assert_eq!(child.wait().await.expect("it can be waited for").signal, Some(9));
    }
    assert!(members(group).is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_lost_reaper_is_noticed_and_nothing_starts_unguarded() {
    let mut reaper = start_reaper().await;
    let group = reaper.group();
    let pid = reaper.pid().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs").success());
    let deadline = Instant::now() + PATIENCE;
    while reaper.try_exited().expect("it can be asked").is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = Child::spawn("late", sleeping(0), group).expect_err("nobody guards it");
    assert!(error.to_string().contains("the reaper has ended"), "{error}");
}
