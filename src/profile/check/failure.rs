//! The checks of handlers that fail, and of what is said to the server while one works.

use std::time::Duration;

use super::Findings;
use crate::model::units::Timespan;
use crate::profile::document::{Document, Handler, OnFailure};
use crate::strategy::{Strategy, handler};

/// A message may fail so often before it succeeds.
const TIMES_MOST: u32 = 1000;
/// More often would be little else than talk.
const TELLING_LEAST: Duration = Duration::from_millis(10);

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    match fleet.fail_share {
        None => without_failures(document, findings),
        Some(share) if !(0.0..=1.0).contains(&share) => {
            findings.add(&["fleet.fail-share"], format!("`fail-share` is {share}, expected 0 to 1"), None);
        }
        Some(_) if matches!(document.strategy, Strategy::External(_)) => {
            let message = "a program of your own has handlers of its own: jetlag cannot make them fail".to_owned();
            findings.add(&["fleet.fail-share", "strategy.kind"], message, Some("leave `fail-share` out"));
        }
        Some(_) => with_failures(document, findings),
    }
    if let Some(every) = fleet.in_progress_every {
        findings.at_least("fleet.in-progress-every", every, TELLING_LEAST);
        if let Some(reason) = document.strategy.is_silent_because() {
            let message = format!("{} cannot tell the server that a message is in progress", document.strategy.kind());
            findings.add(&["fleet.in-progress-every", "strategy.kind"], message, Some(reason));
        }
    }
}

/// Keys that say what happens when a handler fails, where none does.
fn without_failures(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    for (key, is_set) in [
        ("fail-times", fleet.fail_times.is_some()),
        ("on-failure", fleet.on_failure.is_some()),
        ("nak-delay", fleet.nak_delay.is_some()),
    ] {
        if is_set {
            let message = format!("`{key}` has no effect without `fail-share`: no handler fails");
            findings.idle(&format!("fleet.{key}"), "fleet.fail-share", &message);
        }
    }
}

fn with_failures(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    let then = fleet.on_failure();
    if let Some(delay) = fleet.nak_delay {
        if then == OnFailure::NakDelay {
            findings.at_least("fleet.nak-delay", delay, Duration::from_millis(1));
        } else {
            let message = "`nak-delay` has no effect without on-failure \"nak-delay\"";
            findings.idle("fleet.nak-delay", "fleet.on-failure", message);
        }
    }
    let deed = match then {
        OnFailure::Nak | OnFailure::NakDelay => handler::OnFailure::Nak,
        OnFailure::Term => handler::OnFailure::Term,
        OnFailure::NoAck => handler::OnFailure::NoAck,
        OnFailure::Retry => handler::OnFailure::Retry,
    };
    if let Some(reason) = document.strategy.cannot_because(deed) {
        let message = format!("{} cannot do this with a message that a handler failed on", document.strategy.kind());
        let help = format!("{reason}; use on-failure = \"retry\"");
        findings.add(&["fleet.on-failure", "strategy.kind"], message, Some(&help));
        return;
    }
    if then == OnFailure::Retry {
        retries_in_time(document, findings);
    }
    let Some(times) = fleet.fail_times else { return };
    if then == OnFailure::Term {
        let message = "`fail-times` has no effect with on-failure \"term\": the first failure is the last";
        findings.idle("fleet.fail-times", "fleet.on-failure", message);
        return;
    }
    findings.range("fleet.fail-times", times.into(), 0, TIMES_MOST.into());
    let ends = document.strategy.max_deliver().is_some() && then != OnFailure::Retry;
    // Where nothing is acknowledged, a message comes once whatever happens.
    if times == 0 && !ends && document.strategy.is_silent_because().is_none_or(|_| then == OnFailure::Retry) {
        let message = "a message that fails for ever is tried for ever, and the run would never be done".to_owned();
        let help = "set strategy.max-deliver, or on-failure = \"term\"";
        findings.add(&["fleet.fail-times"], message, Some(help));
    }
}

/// Who keeps order by having one message out must be done with it, all attempts included, before it comes again to another.
fn retries_in_time(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    let keeps_one_out = match &document.strategy {
        Strategy::Serial(_) | Strategy::KeySequence(_) => true,
        Strategy::Pinned(settings) => settings.max_ack_pending == 1,
        _ => false,
    };
    let longest = match fleet.handler {
        Handler::None => Duration::ZERO,
        Handler::Fixed => fleet.handler_time().0,
        Handler::Bimodal => fleet.slow_time().0,
        // One in twenty thousand takes longer.
        Handler::Exponential => fleet.handler_time().0.saturating_mul(10),
    };
    let needed = longest.saturating_mul(fleet.fail_times().saturating_add(1));
    let ack_wait = document.strategy.redelivers_within();
    if keeps_one_out && needed > ack_wait.mul_f64(0.85) {
        let (needed, ack_wait) = (Timespan(needed), Timespan(ack_wait));
        let message =
            format!("trying a message again in place may take {needed}, and after {ack_wait} it comes to another");
        let help = "set a longer strategy.ack-wait, or another on-failure";
        findings.add(&["fleet.fail-times", "fleet.fail-share", "strategy.ack-wait"], message, Some(help));
    }
}
