//! Findings from planted measurements: each way to be unfit or limited, and its near miss.

use super::*;
use crate::model::checkup::{
    ClockSeen, DiskSeen, FileLimit, GeneratorSeen, ProcessorSeen, RoundTrip, ServerSeen, ServerSource,
};

/// A machine without a fault.
fn healthy() -> (Environment, Measured) {
    let environment =
        Environment { jetlag_version: "0.1.0".into(), build: "release".into(), cores: 8, ..Environment::default() };
    let server = ServerSeen {
        version: "2.15.1".into(),
        place: "/usr/bin/nats-server".into(),
        source: ServerSource::Path,
        jetstream: None,
    };
    let disk = DiskSeen {
        path: "results".into(),
        free_bytes: 100 << 30,
        is_memory: false,
        sync_p50_ms: 0.1,
        sync_p99_ms: 1.0,
        written_per_s_bytes: 1e9,
    };
    let generator =
        GeneratorSeen { stored_per_s: 100_000.0, paced_per_s: Some(50_000.0), schedule_lag_p99_ms: Some(0.2) };
    let measured = Measured {
        server: Some(server),
        processor: ProcessorSeen {
            governors: vec!["performance".into()],
            is_virtual: Some(false),
            used_by_others: Some(0.01),
            stolen: Some(0.0),
        },
        clock: ClockSeen {
            source: Some("tsc".into()),
            reading_ns: Some(20.0),
            late_p50_ms: Some(0.01),
            late_p99_ms: Some(0.1),
        },
        files: Some(FileLimit { soft: Some(1 << 20), hard: Some(1 << 20) }),
        disk: Some(disk),
        loopback: Some(RoundTrip { p50_ms: 0.01, p99_ms: 0.05 }),
        generator: Some(generator),
        ..Measured::default()
    };
    (environment, measured)
}

fn checked(change: impl FnOnce(&mut Environment, &mut Measured)) -> Checkup {
    let (mut environment, mut measured) = healthy();
    change(&mut environment, &mut measured);
    conclude(environment, measured)
}

#[test]
fn a_healthy_machine_is_fit() {
    let checkup = checked(|_, _| ());
    assert_eq!((checkup.fitness, checkup.exit_code), (Fitness::Fit, 0), "{:#?}", checkup.findings);
}

type Change = fn(&mut Environment, &mut Measured);

#[test]
fn each_trouble_limits_and_its_near_miss_does_not() {
    let table: [(Subject, Change, Change); 13] = [
        (Subject::Build, |on, _| on.build = "debug".into(), |_, _| ()),
        (Subject::Processor, |on, _| on.cores = 3, |on, _| on.cores = 4),
        (
            Subject::Processor,
            |_, of| of.processor.governors = vec!["performance".into(), "powersave".into()],
            |_, of| of.processor.governors.clear(),
        ),
        (
            Subject::Processor,
            |_, of| of.processor.used_by_others = Some(0.11),
            |_, of| of.processor.used_by_others = Some(0.1),
        ),
        (Subject::Processor, |_, of| of.processor.stolen = Some(0.03), |_, of| of.processor.stolen = Some(0.02)),
        (Subject::Clock, |_, of| of.clock.reading_ns = Some(900.0), |_, of| of.clock.reading_ns = None),
        (Subject::Clock, |_, of| of.clock.late_p99_ms = Some(1.1), |_, of| of.clock.late_p99_ms = Some(1.0)),
        (
            Subject::Files,
            |_, of| of.files = Some(FileLimit { soft: Some(1024), hard: Some(1024) }),
            |_, of| of.files = Some(FileLimit { soft: Some(1024), hard: None }),
        ),
        (Subject::Disk, |_, of| disk(of).free_bytes = 1 << 30, |_, of| disk(of).free_bytes = 2 << 30),
        (
            Subject::Disk,
            |_, of| disk(of).sync_p99_ms = 51.0,
            |_, of| {
                disk(of).sync_p99_ms = 51.0;
                disk(of).is_memory = true;
            },
        ),
        (
            Subject::Network,
            |_, of| of.loopback = Some(RoundTrip { p50_ms: 0.1, p99_ms: 2.0 }),
            |_, of| of.own_server = Some(RoundTrip { p50_ms: 20.0, p99_ms: 90.0 }),
        ),
        (
            Subject::Generator,
            |_, of| generator(of).stored_per_s = 3_000.0,
            |_, of| generator(of).stored_per_s = 4_000.0,
        ),
        (
            Subject::Generator,
            |_, of| generator(of).schedule_lag_p99_ms = Some(51.0),
            |_, of| generator(of).schedule_lag_p99_ms = None,
        ),
    ];
    for (number, (subject, trouble, near_miss)) in table.into_iter().enumerate() {
        let checkup = checked(trouble);
        let warned: Vec<_> = checkup.findings.iter().filter(|finding| finding.level == Level::Warning).collect();
        assert_eq!((checkup.fitness, checkup.exit_code), (Fitness::Limited, 0), "{number}");
        assert!(warned.len() == 1 && warned[0].subject == subject, "{number}: {warned:#?}");
        assert!(warned[0].consequence.is_some() && warned[0].remedy.is_some(), "{number}: {warned:#?}");
        assert_eq!(checked(near_miss).fitness, Fitness::Fit, "{number}");
    }
}

fn disk(of: &mut Measured) -> &mut DiskSeen {
    of.disk.as_mut().expect("a healthy machine has one")
}

fn generator(of: &mut Measured) -> &mut GeneratorSeen {
    of.generator.as_mut().expect("it was calibrated")
}

#[test]
fn without_a_server_a_folder_or_a_calibration_there_is_no_run() {
    let table: [(Subject, Change); 5] = [
        (Subject::Server, |_, of| of.server = None),
        (Subject::Server, |_, of| {
            if let Some(server) = &mut of.server {
                (server.source, server.jetstream) = (ServerSource::Own, Some(false));
            }
        }),
        (Subject::Disk, |_, of| of.disk = None),
        (Subject::Disk, |_, of| disk(of).free_bytes = 1 << 20),
        (Subject::Generator, |_, of| {
            (of.generator, of.generator_trouble) = (None, Some("the port is taken".into()));
        }),
    ];
    for (number, (subject, change)) in table.into_iter().enumerate() {
        let checkup = checked(change);
        assert_eq!((checkup.fitness, checkup.exit_code), (Fitness::Unfit, 3), "{number}");
        let grave = checkup.findings.iter().find(|finding| finding.level == Level::Failure);
        assert_eq!(grave.map(|finding| finding.subject), Some(subject), "{number}");
        assert!(grave.is_some_and(|finding| finding.remedy.is_some()), "{number}");
    }
}

#[test]
fn what_the_system_does_not_tell_is_no_trouble() {
    let (environment, healthy) = healthy();
    let measured =
        Measured { server: healthy.server, disk: healthy.disk, generator: healthy.generator, ..Measured::default() };
    assert_eq!(conclude(environment, measured).fitness, Fitness::Fit);
}
