//! Processors: how many there are, how fast they may run, and who else wants them.

use super::good;
use crate::model::checkup::{Finding, Level, Measured, Subject};
use crate::model::manifest::Environment;

/// Below this, server, publishers and members of an ordinary profile wait for each other.
const CORES_MIN: u32 = 4;
/// From this share on, others show in the figures.
const OTHERS_MAX: f64 = 0.1;
/// What a host takes comes in bursts, and each of them is a silence: less of it is borne.
const STOLEN_MAX: f64 = 0.02;
/// What lets a processor run as fast as it can.
const FAST: &str = "performance";

pub(super) fn findings(environment: &Environment, measured: &Measured) -> Vec<Finding> {
    let mut findings = vec![cores(environment, measured)];
    findings.extend(governor(measured));
    findings.extend(others(measured));
    findings
}

fn cores(environment: &Environment, measured: &Measured) -> Finding {
    let kind = if measured.processor.is_virtual == Some(true) { ", in a virtual machine" } else { "" };
    let cores = match environment.cores {
        1 => "1 core".to_owned(),
        cores => format!("{cores} cores"),
    };
    let cpu = if environment.cpu.is_empty() { "an unnamed processor" } else { &environment.cpu };
    let finding = good(Subject::Processor, format!("{cores} of {cpu}{kind}"));
    if environment.cores < CORES_MIN {
        let consequence = "server, publishers, members and driver share them: at high rates the figures say how they share, \
                           and less how each of them does alone";
        let remedy = "measure latencies and gaps well below the rate that is reached here, or take a machine with 4 cores or more";
        return finding.but(Level::Warning, consequence, remedy);
    }
    finding
}

fn governor(measured: &Measured) -> Option<Finding> {
    let governors = &measured.processor.governors;
    if governors.is_empty() {
        let finding = good(Subject::Processor, "no governor is to be seen".to_owned());
        return Some(
            finding.noting("how fast the processor runs is decided elsewhere, mostly by the host of a virtual machine"),
        );
    }
    let finding = good(Subject::Processor, format!("governor {}", governors.join(", ")));
    if governors.iter().all(|governor| governor == FAST) {
        return Some(finding);
    }
    let consequence = "a processor that slows down while little is to do makes low rates look slow and repeats differ";
    Some(finding.but(Level::Warning, consequence, "while measuring: `cpupower frequency-set --governor performance`"))
}

fn others(measured: &Measured) -> Vec<Finding> {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut findings = Vec::new();
    if let Some(used) = measured.processor.used_by_others {
        let finding = good(Subject::Processor, format!("others use {} of the processor time", percent(used)));
        findings.push(if used > OTHERS_MAX {
            let consequence = "what they do shows in latencies and gaps, and is not told apart";
            finding.but(Level::Warning, consequence, "end what else runs here, or compare in turn (`jetlag gate --ab`)")
        } else {
            finding
        });
    }
    if let Some(stolen) = measured.processor.stolen.filter(|stolen| *stolen > STOLEN_MAX) {
        let found = format!("the host took {} of the processor time away", percent(stolen));
        let consequence = "whole processes stand still for milliseconds: greatest values say much of the host";
        let remedy = "take medians of many repeats, or a machine that is not shared";
        findings.push(good(Subject::Processor, found).but(Level::Warning, consequence, remedy));
    }
    findings
}
