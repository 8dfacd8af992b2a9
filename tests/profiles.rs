//! Profiles from outside: what ships is sound, what is shown means the same, what is wrong is told where it is.

use jetlag::profile::{self, Problems, builtin};

fn sets(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

/// The problems of a text, drawn with a line of carets each; wide enough to review by eye.
fn drawn(problems: &Problems) -> String {
    let mut drawn = String::new();
    for problem in &problems.problems {
        let (line, column) = problems.line_and_column(problem);
        let source = &problems.sources[problem.source];
        let text = source.text.lines().nth(line - 1).unwrap_or("");
        let width = source.text[problem.span.clone()].lines().next().map_or(1, |first| first.chars().count().max(1));
        drawn += &format!("{}:{line}:{column}: {}\n", source.name, problem.message);
        drawn += &format!("  | {text}\n  | {}{} {}\n", " ".repeat(column - 1), "^".repeat(width), problem.label);
        if let Some(help) = &problem.help {
            drawn += &format!("  = {help}\n");
        }
    }
    drawn
}

fn wrong(text: &str, set: &[&str]) -> String {
    match profile::parse("test", "test.toml", text, &sets(set)) {
        Ok(_) => panic!("this profile was taken for a good one:\n{text}"),
        Err(problems) => drawn(&problems),
    }
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
        let plans = profile::load(builtin.name, &[]).unwrap_or_else(|problems| panic!("{}", drawn(&problems)));
        assert_eq!(plans[0].question, builtin.question());
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
            let loaded =
                profile::open(builtin.name, &sets(set)).unwrap_or_else(|problems| panic!("{}", drawn(&problems)));
            let shown = profile::show::show(&loaded);
            let again = profile::parse(builtin.name, "shown", &shown, &[])
                .unwrap_or_else(|problems| panic!("{shown}\n{}", drawn(&problems)));
            assert_eq!(again.plans(), loaded.plans(), "{shown}");
        }
    }
}

#[test]
fn temporary() {
    println!(
        "{}",
        wrong(
            "# hm\n[run]\nmesure = \"4s\"\nwarm-up = 3\n[load]\nrate = \"fast\"\nkeys = -1\narrivals = 'poison'\nmessage-id = 3\npublishers=70000\n[strategy]\nkind='lease-grup'\n[[fault]]\nkind='kil'\n[[fault]]\nkind='kill'\natt='3s'\n[[fault]]\nkind='kill'\nlasting='3s'\n[[fault]]\nkind='join'\ntarget='c3'\nat='300s'\n[[fault]]\nat='2s'\n[stream]\npartitions=0\nreplicas=3\n[fault2]\n[[variant]]\nname='x'\nset={'strategy.ttl'='1s'}\n[fleet]\nmembers='four'\nhandler='none'\nhandler-time='1s'",
            &["fleet.members=0", "load.payload=256", "bla", "strategy.ttl=2s"]
        )
    );
    let ps = profile::parse("q", "q.toml", "# hm?\n[load]\nraet = \"5/s\"\nkeys = 1 2\n[fleet]\nmembers=0\n", &[])
        .unwrap_err();
    println!("{}", jetlag::cli::profile::problems_text(&ps, false));
    println!("{ps}");
    println!("{}", jetlag::cli::profile::problems_text(&profile::load("quik", &[]).unwrap_err(), false));
}
