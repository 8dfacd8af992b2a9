//! The checks of `[ledger]`.

use super::Findings;
use crate::model::bank::{Store, Workload};
use crate::profile::document::Document;
use crate::strategy::Strategy;

/// As many accounts can be read back at the end of a run in good time.
const ACCOUNTS_MAX: u32 = 100_000;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let (ledger, load) = (&document.ledger, &document.load);
    if load.workload != Workload::Ledger {
        let typed = [
            ("store", ledger.store.is_some()),
            ("write", ledger.write.is_some()),
            ("repeats", ledger.repeats.is_some()),
        ];
        for (key, _) in typed.into_iter().filter(|(_, typed)| *typed) {
            let message = format!("`{key}` has no effect without workload \"ledger\"");
            findings.idle(&format!("ledger.{key}"), "load.workload", &message);
        }
        return;
    }
    let store = ledger.bank().store;
    if store == Store::Memory && ledger.write.is_some() {
        let message = "`write` has no effect with store \"memory\", where nothing is written";
        findings.idle("ledger.write", "ledger.store", message);
    }
    if store == Store::Kv && matches!(document.strategy, Strategy::External(_)) {
        let message =
            "a program of your own keeps its state itself: jetlag cannot apply its messages to a bucket".to_owned();
        let help = "ledger.store = \"memory\" works the accounts out from what the program says it has handled";
        findings.add(&["ledger.store", "load.workload", "strategy.kind"], message, Some(help));
    }
    if store == Store::Kv && load.keys > ACCOUNTS_MAX {
        let message = format!("{} accounts in a bucket, expected at most {ACCOUNTS_MAX}", load.keys);
        let help = "each balance is read back at the end of the run; ledger.store = \"memory\" takes any number";
        findings.add(&["load.keys", "ledger.store"], message, Some(help));
    }
}
