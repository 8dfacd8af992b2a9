//! Profiles from outside: what ships is sound, what is shown means the same, what is set is set.

use jetlag::model::manifest::Confirmation;
use jetlag::profile::{self, Plan, builtin};
use jetlag::strategy::{self, Strategy};

fn sets(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

fn plans(name: &str, set: &[&str]) -> Vec<Plan> {
    profile::load(name, &sets(set)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_list_of_built_in_profiles_is_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder of profiles")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    files.sort();
    let mut names: Vec<_> = builtin::ALL.iter().map(|builtin| builtin.name.to_owned()).collect();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn every_built_in_profile_asks_a_question_and_makes_a_plan() {
    for builtin in builtin::ALL {
        assert!(builtin.question().ends_with('?'), "{}: {:?}", builtin.name, builtin.question());
        assert_eq!(plans(builtin.name, &[])[0].question, builtin.question());
    }
}

#[test]
fn what_is_shown_means_the_same() {
    let every_setting = [
        "load.key-choice=zipf",
        "stream.max-age=1h",
        "server.version=2.12.8",
        "fleet.handler=exponential",
        "run.seed=7",
    ];
    for builtin in builtin::ALL {
        for set in [&[][..], &every_setting[..]] {
            let loaded = profile::open(builtin.name, &sets(set)).unwrap_or_else(|problems| panic!("{problems}"));
            let shown = profile::show::show(&loaded);
            let again = profile::parse(builtin.name, "shown", &shown, &[])
                .unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
            assert_eq!(again.plans(), loaded.plans(), "{shown}");
        }
    }
}

#[test]
fn what_one_variant_has_and_another_lacks_is_shown_of_that_one_only() {
    let text = r#"
        [[variant]]
        name = "old"
        set = { "stream.max-age" = "1h", fault = [{ kind = "kill", at = "1s" }] }
        [[variant]]
        name = "plain"
        [[variant]]
        name = "shared"
        set = { "strategy.kind" = "shared-pull", "load.key-choice" = "hot" }
    "#;
    let loaded = profile::parse("x", "x.toml", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let shown = profile::show::show(&loaded);
    let again = profile::parse("x", "shown", &shown, &[]).unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
    assert_eq!(again.plans(), loaded.plans(), "{shown}");
}

#[test]
fn sets_go_over_the_file_and_over_variants() {
    let plan = |set: &[&str]| plans("quick", set).remove(0);
    assert_eq!(plan(&["fleet.members=8"]).fleet.members, 8);
    assert_eq!(plan(&["load.rate=max"]).load.rate.to_string(), "max");
    assert_eq!(plan(&["load.rate = \"500/s\""]).load.rate.to_string(), "500/s");
    assert_eq!(plan(&["fault.0.target=c3"]).faults[0].target.to_string(), "c3");
    assert_eq!(plan(&["fault=[]"]).faults, []);
    assert_eq!(plan(&["fault.4.kind=pause", "fault.4.at=31s"]).faults.len(), 5);
    // Another kind takes the keys of the old one with it, and a handler without time its time.
    assert_eq!(plan(&["strategy.kind=shared-pull"]).strategy.kind(), "shared-pull");
    assert_eq!(plan(&["strategy={kind=\"shared-pull\",batch=7}"]).settings["strategy"]["batch"], 7);
    assert_eq!(plan(&["fleet.handler=none"]).fleet.handler, profile::plan::Handler::taking(profile::plan::Time::None));
    assert!(plans("naive-vs-safe", &["run.seed=9"]).iter().all(|plan| plan.seed == 9));
}

#[test]
fn the_profile_that_compares_strategies_has_each_that_needs_no_settings() {
    let compared = plans("strategies", &[]);
    for about in strategy::ALL.iter().filter(|about| Strategy::with_defaults(about.kind).is_some()) {
        let is_there = compared.iter().any(|plan| plan.strategy.kind() == about.kind);
        assert!(is_there, "profiles/strategies.toml has no variant of {}", about.kind);
    }
}

#[test]
fn variants_are_plans_of_their_own() {
    let plans_of = plans("price-of-order", &[]);
    let told: Vec<_> = plans_of.iter().map(|plan| (plan.variant.as_deref(), plan.strategy.kind())).collect();
    let expected = [
        (Some("lease-group-explicit"), "lease-group"),
        (Some("lease-group"), "lease-group"),
        (Some("shared-pull"), "shared-pull"),
    ];
    assert_eq!(told, expected);
    let takeover = |plan: &Plan| plan.settings["strategy"]["takeover"].clone();
    assert_eq!(plans("naive-vs-safe", &[]).iter().map(takeover).collect::<Vec<_>>(), ["safe", "resume"]);
}

#[test]
fn the_default_profile_is_over_within_a_minute_and_lets_each_fault_settle() {
    let plan = plans("quick", &[]).remove(0);
    assert!(plan.phases.warm_up.as_s() + plan.phases.measure.as_s() + plan.phases.drain_max.as_s() < 60.0);
    let strikes = plan.schedule();
    let kinds: Vec<_> = strikes.iter().map(|strike| strike.kind.name()).collect();
    assert_eq!(kinds, ["kill", "restart", "leave", "join"]);
    let ends = strikes.iter().skip(1).map(|strike| strike.at).chain([plan.phases.measure]);
    assert!(strikes.iter().zip(ends).all(|(strike, end)| end.as_s() - strike.at.as_s() >= 7.0));
}

#[test]
fn a_profile_in_a_file_is_named_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("my-own.toml");
    std::fs::write(&path, "[run]\nseed = 3\n").expect("a file");
    let plan = plans(path.to_str().expect("a path that is text"), &[]).remove(0);
    assert_eq!((plan.name.as_str(), plan.question.as_str(), plan.seed), ("my-own", "", 3));
}

#[test]
fn the_schema_is_up_to_date_and_holds_for_what_ships_and_what_is_shown() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/profile.schema.json");
    let schema = jetlag::cli::profile::schema_text();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, &schema).expect("the schema is written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == schema, "schemas/profile.schema.json is stale: run UPDATE_SCHEMAS=1 cargo test --test profiles");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    for builtin in builtin::ALL {
        let shown = profile::show::show(&profile::open(builtin.name, &[]).expect("a good profile"));
        for text in [builtin.text, shown.as_str()] {
            let value: serde_json::Value = toml::from_str(text).expect("a profile is TOML");
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", builtin.name);
        }
    }
    for wrong in ["[load]\nrat = 1", "[[fault]]\nkind = \"kill\"\nlasting = \"3s\"", "[strategy]\nkind = \"none\""] {
        let value: serde_json::Value = toml::from_str(wrong).expect("this is TOML");
        assert!(!validator.is_valid(&value), "{wrong}");
    }
}

#[test]
fn what_a_confirmation_says_depends_on_how_it_is_published_and_consumed() {
    for (publish, strategy, confirmation) in [
        ("windowed", "core-queue", Confirmation::Stored),
        ("fast-batch", "shared-pull", Confirmation::Stored),
        ("core", "shared-pull", Confirmation::SentToStream),
        ("core", "core-queue", Confirmation::Sent),
    ] {
        let sets = [&*format!("load.publish={publish}"), &*format!("strategy={{ kind = \"{strategy}\" }}"), "fault=[]"];
        assert_eq!(plans("quick", &sets)[0].confirmation(), confirmation, "{publish}, {strategy}");
    }
}

/// Every key of every section, of every strategy and of every fault.
fn keys(schema: &serde_json::Value) -> std::collections::BTreeSet<String> {
    let mut keys = std::collections::BTreeSet::new();
    let mut open = vec![schema];
    while let Some(of) = open.pop() {
        match of {
            serde_json::Value::Object(fields) => {
                if let Some(properties) = fields.get("properties").and_then(serde_json::Value::as_object) {
                    keys.extend(properties.keys().cloned());
                }
                open.extend(fields.values());
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    keys
}

/// A setting that no test has ever taken to a server is a promise that nobody has looked at.
#[test]
fn every_key_of_a_profile_is_in_a_test_against_a_real_server() {
    let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/profile.schema.json"));
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e");
    let tests: String = std::fs::read_dir(folder)
        .expect("the folder of tests")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).expect("a test can be read"))
        .collect();
    let is_set = |key: &String| {
        [
            format!("{key} ="),
            format!("{key}="),
            format!("[{key}]"),
            format!("[[{key}]]"),
            format!("[{key}."),
            format!(".{key}\\\""),
            format!(".{key}\""),
        ]
        .iter()
        .any(|form| tests.contains(form.as_str()))
    };
    let untried: Vec<_> = keys(&schema).into_iter().filter(|key| !is_set(key)).collect();
    assert!(untried.is_empty(), "no test in tests/e2e sets {untried:?}");
}
