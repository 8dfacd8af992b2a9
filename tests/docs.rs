//! The documents keep to what is there: links lead somewhere, lists are whole, examples are valid.

use std::path::{Path, PathBuf};

use jetlag::profile::{self, builtin};
use jetlag::{fault, render, strategy};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every document of the repository, without what is built or fetched into it.
fn documents() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let strange = name.starts_with('.') || ["target", "runs"].contains(&name);
            if path.is_dir() && !strange {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// The targets of the links in `text`, `[…](target)`; what stands in fenced code is no link.
fn links(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut links = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced {
            links.extend(line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)));
        }
    }
    links
}

/// The fenced blocks of `text` in a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("a document is text");
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or_default();
            if !document.parent().is_some_and(|folder| folder.join(file).exists()) {
                broken.push(format!("{}: {link}", document.strip_prefix(root()).unwrap_or(&document).display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn where_documents_list_profiles_strategies_and_faults_they_list_all() {
    let profiles: Vec<_> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
    let strategies: Vec<_> = strategy::ALL.iter().map(|about| about.kind).collect();
    let faults: Vec<_> = fault::ALL.iter().map(|about| about.kind).collect();
    for (document, lists) in [
        ("README.md", [&profiles[..], &strategies, &[]]),
        ("docs/profiles.md", [&profiles, &strategies, &faults]),
        ("CHANGELOG.md", [&profiles, &strategies, &faults]),
    ] {
        let text = read(document);
        for name in lists.into_iter().flatten() {
            assert!(text.contains(&format!("`{name}`")), "{document} does not name `{name}`");
        }
    }
}

#[test]
fn the_guide_to_formats_lists_all_with_their_files() {
    let guide = read("docs/formats.md");
    for format in render::ALL {
        let row = guide.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", format.name)));
        let row = row.unwrap_or_else(|| panic!("docs/formats.md has no row for `{}`", format.name));
        assert!(row.contains(&format!("| `{}` |", format.file)), "{row}: the file is {}", format.file);
    }
}

#[test]
fn the_readme_asks_the_questions_of_the_profiles() {
    let readme = read("README.md");
    for builtin in builtin::ALL {
        let row = format!("| `{}` | {} |", builtin.name, builtin.question());
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
}

#[test]
fn the_profiles_in_the_guides_are_valid() {
    for name in ["docs/profiles.md", "docs/quick-start.md"] {
        let guide = read(name);
        let examples = blocks(&guide, "toml");
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            if let Err(problems) = profile::parse("example", name, example, &[]) {
                panic!("{problems}\nin\n{example}");
            }
        }
    }
}

/// All texts in a YAML document.
fn texts(yaml: &yaml_rust2::Yaml) -> Vec<&str> {
    match yaml {
        yaml_rust2::Yaml::String(text) => vec![text],
        yaml_rust2::Yaml::Array(list) => list.iter().flat_map(texts).collect(),
        yaml_rust2::Yaml::Hash(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What a program says when it is asked for help behind `words`; it complains instead of words that it does not know.
fn help(program: &Path, words: &[&str]) -> Result<String, String> {
    let asked = std::process::Command::new(program).args(words).arg("--help").output().expect("it can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if asked.status.success() { Ok(text(&asked.stdout)) } else { Err(text(&asked.stderr)) }
}

/// The words of every command line in `text` that begins with `program`, up to what the shell does with its output.
fn commands<'t>(text: &'t str, program: &str) -> Vec<Vec<&'t str>> {
    let words = |line: &'t str| {
        let of_line = line.split_whitespace().take_while(|word| !["#", ">", "|", "&&", "\\"].contains(word));
        of_line.map(|word| word.trim_matches('"')).collect::<Vec<_>>()
    };
    let all = text.lines().map(words);
    all.filter(|words| {
        words.first().is_some_and(|first| *first == program || *first == format!("target/release/{program}"))
    })
    .collect()
}

#[test]
fn what_the_guide_to_ci_has_machines_do_can_be_done() {
    use yaml_rust2::YamlLoader;
    let guide = read("docs/ci.md");
    let workflows = blocks(&guide, "yaml");
    assert!(workflows.len() > 2);
    let mut lines = blocks(&guide, "sh").join("\n");
    for workflow in workflows {
        let parsed = YamlLoader::load_from_str(workflow).unwrap_or_else(|error| panic!("{error}\nin\n{workflow}"));
        for text in parsed.iter().flat_map(texts) {
            lines += &format!("\n{text}");
        }
    }
    let jetlag = Path::new(env!("CARGO_BIN_EXE_jetlag"));
    let of_jetlag = commands(&lines, "jetlag");
    assert!(of_jetlag.iter().any(|words| words[1] == "gate") && of_jetlag.iter().any(|words| words[1] == "report"));
    for words in of_jetlag {
        if let Err(complaint) = help(jetlag, &words[1..]) {
            panic!("docs/ci.md: {}\n{complaint}", words.join(" "));
        }
    }
    // Words of the script, and behind `--` those of the gate.
    let script = root().join("scripts/ci-regression");
    let told = help(&script, &[]).unwrap_or_else(|complaint| panic!("{complaint}"));
    let of_script = commands(&lines, "scripts/ci-regression");
    assert!(of_script.len() > 4);
    for words in of_script {
        let mut sides = words[1..].split(|word| *word == "--");
        for word in sides.next().into_iter().flatten().filter(|word| word.starts_with("--")) {
            assert!(told.contains(&format!("{word} ")), "{}: the script does not know {word}", words.join(" "));
        }
        let of_gate = [&["gate"][..], sides.next().unwrap_or_default()].concat();
        assert!(help(jetlag, &of_gate).is_ok(), "{}: the gate does not know that", words.join(" "));
    }
}

#[test]
fn the_sweeps_in_the_guide_are_valid_and_its_folders_are_named_right() {
    let guide = read("docs/sweeping.md");
    let examples = blocks(&guide, "toml");
    assert!(!examples.is_empty());
    for example in examples {
        match profile::sweep::parse("example", "docs/sweeping.md", example, root(), &[]) {
            Err(problems) => panic!("{problems}\nin\n{example}"),
            Ok(grid) => {
                for cell in [0, 2] {
                    assert!(guide.contains(&grid.cells[cell].folder(cell)), "{}", grid.cells[cell].folder(cell));
                }
            }
        }
    }
}

#[test]
fn the_architecture_maps_every_room_and_every_file_of_it() {
    let architecture = read("ARCHITECTURE.md");
    let library = read("src/lib.rs");
    for room in library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        let row = architecture.lines().find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{room}`"));
        let Ok(folder) = std::fs::read_dir(root().join("src").join(room)) else { continue };
        for entry in folder {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
            let named = row.contains(&format!("`{stem}`")) || row.contains(&format!("`{stem}/`"));
            assert!(named || ["tests", "snapshots"].contains(&stem), "the row of `{room}` does not name `{stem}`");
        }
    }
}

#[test]
fn the_index_of_decisions_is_whole() {
    let index = read("docs/adr/README.md");
    for entry in std::fs::read_dir(root().join("docs/adr")).expect("the folder of decisions") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "docs/adr/README.md lacks {name}");
    }
}

/// Who must be granted what, as the strategies themselves say.
fn table_of_rights() -> String {
    use jetlag::strategy::rights::{Act, Names};
    let names = Names { api: "$JS.API", stream: "S", group: "G", subject: "jetlag.1.p.0" };
    let forms = [
        ("commit = \"ack-all\"", "lease-group with `commit = \"ack-all\"`"),
        ("commit = \"explicit\"", "lease-group with `commit = \"explicit\"`"),
        ("commit = \"explicit\"\ndeliver-by = \"push\"", "lease-group with `deliver-by = \"push\"`"),
    ];
    // What a program of the user's own needs, the user knows.
    let known = strategy::ALL.iter().filter(|about| about.kind != "external");
    let mut all: Vec<_> = known.map(|about| (about.kind, format!("kind = \"{}\"", about.kind))).collect();
    for (at, (form, name)) in (1..).zip(forms) {
        all.insert(at, (name, format!("kind = \"lease-group\"\n{form}")));
    }
    let mut rows: Vec<((String, &str), Vec<&str>)> = Vec::new();
    for (name, own) in &all {
        let text = format!("# hm?\n[fleet]\nmembers = 1\n[strategy]\n{own}\n");
        let loaded = profile::parse("x", "x.toml", &text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        for right in loaded.plans()[0].rights(&names) {
            let act = if right.act == Act::Publish { "publish" } else { "subscribe" };
            let row = (format!("{act} `{}`", right.grant), right.why);
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, who)) => who.push(name),
                None => rows.push((row, vec![name])),
            }
        }
    }
    let mut table = "| right | to | for |\n|---|---|---|\n".to_owned();
    for ((grant, why), who) in rows {
        // What all its forms need it needs.
        let always = who.contains(&all[0].0);
        let either = |name: &&str| !always || forms.iter().all(|(_, form)| form != name);
        let who = if who.len() == all.len() {
            "all".to_owned()
        } else {
            who.iter().copied().filter(either).collect::<Vec<_>>().join(", ")
        };
        table += &format!("| {grant} | {why} | {who} |\n");
    }
    table
}

#[test]
fn the_table_of_rights_is_what_the_strategies_need() {
    let table = table_of_rights();
    assert!(read("docs/your-server.md").contains(&table), "docs/your-server.md lacks the table\n{table}");
}
