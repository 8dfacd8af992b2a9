//! The checks of `[fleet]`.

use std::time::Duration;

use super::Findings;
use crate::profile::document::{Document, Handler};

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
    if let Some(time) = fleet.handler_time {
        if fleet.handler == Handler::None {
            findings.idle("fleet.handler-time", "fleet.handler", "`handler-time` has no effect with handler \"none\"");
        } else if time.0.is_zero() || time.0 > Duration::from_secs(3600) {
            let message = format!("`handler-time` is {time}, expected more than 0 and at most 1h");
            findings.add(&["fleet.handler-time"], message, Some("handler = \"none\" takes no time"));
        }
    }
}
