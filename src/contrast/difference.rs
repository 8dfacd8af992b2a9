//! Whether two runs may be held against each other: the same question on the same class of host, apart from what is varied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::contrast::{Difference, Weight};
use crate::model::digest::Digest;

/// What may always differ: repeats and seeds do not change the question, and a kernel is replaced every month.
const NOTED: &[&str] = &["run.seed", "run.repeat", "profile", "host.kernel", "jetlag.commit"];

/// What may be varied by a profile's variants: its settings, and nothing of host and versions.
const BEYOND_A_PROFILE: &[&str] = &["host", "build", "jetlag", "server.version", "report"];

/// In what `other` differs from `base`. Whatever stands below one of `vary` is what is being compared.
pub(super) fn differences(base: &Digest, other: &Digest, vary: &[String]) -> Vec<Difference> {
    let (here, there) = (facts(base), facts(other));
    // Variants of one profile differ on purpose: their settings are what the profile asks about.
    let variants = base.run.profile == other.run.profile && base.run.variant != other.run.variant;
    let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let mut differences: Vec<Difference> = names
        .into_iter()
        .filter(|what| here.get(*what) != there.get(*what))
        .map(|what| {
            let asked = vary.iter().any(|key| is_below(what, key));
            let by_variant = variants && !BEYOND_A_PROFILE.iter().any(|key| is_below(what, key));
            let weight = if asked || by_variant && !NOTED.contains(&what.as_str()) {
                Weight::Varied
            } else if NOTED.contains(&what.as_str()) {
                Weight::Noted
            } else {
                Weight::Unasked
            };
            Difference { what: what.clone(), base: here.get(what).cloned(), other: there.get(what).cloned(), weight }
        })
        .collect();
    differences.sort_by(|one, two| (one.weight, &one.what).cmp(&(two.weight, &two.what)));
    differences
}

/// `strategy.ttl` and `fault[0].kind` are below `strategy` and `fault`.
fn is_below(what: &str, key: &str) -> bool {
    what.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Everything that a figure depends on, by name.
fn facts(digest: &Digest) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    flatten("", &digest.settings, &mut facts);
    let environment = &digest.environment;
    if let Some(commit) = &environment.jetlag_commit {
        facts.insert("jetlag.commit".to_owned(), commit.clone());
    }
    // To the gibibyte: what a machine reports as its memory differs by a few pages from boot to boot.
    let memory = (environment.memory_bytes as f64 / f64::from(1 << 30)).round();
    for (what, value) in [
        ("profile", digest.run.profile.clone()),
        ("report", digest.report.clone()),
        ("build", environment.build.clone()),
        ("host.cpu", environment.cpu.clone()),
        ("host.cores", environment.cores.to_string()),
        ("host.memory", format!("{memory} GiB")),
        ("host.os", environment.os.clone()),
        ("host.kernel", environment.kernel.clone()),
        ("jetlag.version", environment.jetlag_version.clone()),
        ("server.version", environment.server_version.clone()),
        ("server.embedded", environment.server_embedded.to_string()),
    ] {
        facts.insert(what.to_owned(), value);
    }
    facts
}

/// The leaves in which two trees differ.
pub(super) fn differing(base: &Value, other: &Value) -> Vec<String> {
    let (mut here, mut there) = (BTreeMap::new(), BTreeMap::new());
    flatten("", base, &mut here);
    flatten("", other, &mut there);
    let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    names.into_iter().filter(|what| here.get(*what) != there.get(*what)).cloned().collect()
}

/// The leaves of a tree by their dotted paths.
fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(table) => table.iter().for_each(|(key, value)| flatten(&below(key), value, leaves)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), value, leaves);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            leaves.insert(path.to_owned(), text.clone());
        }
        other => {
            leaves.insert(path.to_owned(), other.to_string());
        }
    }
}
