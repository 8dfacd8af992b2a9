//! The checks of `[fleet]`: how many members, and what a handler does.

use std::time::Duration;

use super::Findings;
use crate::profile::document::{Document, Fleet, Handler};

/// Longest that a message may take.
const LONGEST: Duration = Duration::from_secs(3600);

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    findings.range("fleet.members", fleet.members.into(), 1, 1000);
    if let Some(most) = document.strategy.members_max()
        && fleet.members > most
    {
        let kind = document.strategy.kind();
        let message = format!("{kind} has no group: each of {} members would get every message", fleet.members);
        findings.add(&["fleet.members", "strategy.kind"], message, Some(&format!("set fleet.members = {most}")));
    }
    time(fleet, findings);
    bimodal(fleet, findings);
    if fleet.handler_work.is_some() && fleet.handler == Handler::None {
        findings.idle("fleet.handler-work", "fleet.handler", "`handler-work` has no effect with handler \"none\"");
    }
}

fn time(fleet: &Fleet, findings: &mut Findings) {
    let Some(time) = fleet.handler_time else { return };
    if fleet.handler == Handler::None {
        findings.idle("fleet.handler-time", "fleet.handler", "`handler-time` has no effect with handler \"none\"");
    } else if time.0.is_zero() || time.0 > LONGEST {
        let message = format!("`handler-time` is {time}, expected more than 0 and at most 1h");
        findings.add(&["fleet.handler-time"], message, Some("handler = \"none\" takes no time"));
    }
}

fn bimodal(fleet: &Fleet, findings: &mut Findings) {
    if fleet.handler != Handler::Bimodal {
        for (key, is_set) in [("slow-time", fleet.slow_time.is_some()), ("slow-share", fleet.slow_share.is_some())] {
            if is_set {
                let message = format!("`{key}` has no effect without handler \"bimodal\"");
                findings.idle(&format!("fleet.{key}"), "fleet.handler", &message);
            }
        }
        return;
    }
    let (slow, usual) = (fleet.slow_time(), fleet.handler_time());
    if slow <= usual || slow.0 > LONGEST {
        let message = format!("`slow-time` is {slow}, expected more than handler-time ({usual}) and at most 1h");
        findings.add(&["fleet.slow-time", "fleet.handler-time", "fleet.handler"], message, None);
    }
    let share = fleet.slow_share();
    if !(share > 0.0 && share < 1.0) {
        let message = format!("`slow-share` is {share}, expected between 0 and 1");
        findings.add(&["fleet.slow-share"], message, Some("handler = \"fixed\" has one time for all messages"));
    }
}
