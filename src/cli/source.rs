//! From what is typed to runs that can be compared: a run folder, a folder of repeats, a report.json, a baseline.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::contrast::{self, Group};
use crate::model::digest::Digest;
use crate::render;

/// Where baselines are kept.
#[derive(Clone, Debug, Args)]
pub(super) struct Shelf {
    /// Where baselines are kept.
    #[arg(long = "baselines", value_name = "DIR", default_value = "results/baselines")]
    folder: PathBuf,
}

/// Why something that was named is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "there is no file or folder {word}, and no baseline of that name in {}; name a run folder, a folder of repeats, a report.json \
         or a baseline (`jetlag baseline list`)",
        shelf.display()
    )]
    Missing { word: String, shelf: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}{}", path.display(), remedy(source))]
    Parse { path: PathBuf, source: render::Error },
    #[error("{} has evidence and no report; `jetlag analyze {}` makes it", path.display(), path.display())]
    NoReport { path: PathBuf },
    #[error("{} holds no run; name a folder that `jetlag run` made", path.display())]
    NoRuns { path: PathBuf },
    #[error("{} holds runs of several profiles ({}); name the folder of one", path.display(), profiles.join(", "))]
    Profiles { path: PathBuf, profiles: Vec<String> },
    #[error("{} lays runs side by side and has no repeats to compare; name its folder {}", path.display(), folder.display())]
    Comparison { path: PathBuf, folder: PathBuf },
    #[error(
        "'{0}' is no name for a baseline: letters, digits, '.', '_' and '-', the first a letter or a digit, at most 100"
    )]
    Name(String),
}

/// What to do about a file that cannot be understood.
fn remedy(source: &render::Error) -> &'static str {
    match source {
        render::Error::NotJson(_) | render::Error::Malformed { .. } => {
            "; a report is made again from its evidence with `jetlag analyze`, a baseline from its runs with `jetlag baseline save`"
        }
        render::Error::Other { .. } => "; name a run folder, a folder of repeats, a report.json or a baseline",
        render::Error::Newer { .. } => "",
    }
}

impl Shelf {
    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of the baseline of that name.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let good = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(is_plain);
        if good && name.len() <= 100 {
            Ok(self.folder.join(format!("{name}.json")))
        } else {
            Err(Error::Name(name.to_owned()))
        }
    }

    /// The groups of runs behind everything that was named; each has a name of its own.
    pub(super) fn groups(&self, words: &[String]) -> Result<Vec<Group>, Error> {
        let mut groups = Vec::new();
        for word in words {
            groups.extend(self.group(word)?);
        }
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        for group in &mut groups {
            if names.iter().filter(|name| **name == group.name).count() > 1 {
                group.name.clone_from(&group.source);
            }
        }
        Ok(groups)
    }

    /// `NAME=RUNS`: the same under a name of the user's.
    fn named(&self, name: &str, word: &str) -> Result<Vec<Group>, Error> {
        let mut groups = self.group(word)?;
        let alone = groups.len() == 1;
        for group in &mut groups {
            group.name = if alone { name.to_owned() } else { format!("{name}/{}", group.name) };
        }
        Ok(groups)
    }

    /// The groups behind one word: one, or one a variant of the profile.
    fn group(&self, word: &str) -> Result<Vec<Group>, Error> {
        let path = Path::new(word);
        if !path.exists()
            && let Some((name, rest)) = word.split_once('=')
        {
            return self.named(name, rest);
        }
        if path.is_dir() {
            return folder(path);
        }
        if path.is_file() {
            return file(path).map(|group| vec![group]);
        }
        match self.file(word) {
            Ok(file) if file.is_file() => baseline(&file).map(|group| vec![group]),
            _ => Err(Error::Missing { word: word.to_owned(), shelf: self.folder.clone() }),
        }
    }
}

/// The baseline in a file.
pub(super) fn read_baseline(path: &Path) -> Result<crate::model::baseline::Baseline, Error> {
    render::baseline::parse(&read(path)?).map_err(|source| Error::Parse { path: path.to_owned(), source })
}

fn baseline(path: &Path) -> Result<Group, Error> {
    let baseline = read_baseline(path)?;
    let runs = baseline.runs.into_iter().map(|digest| (digest.run.id.clone(), digest)).collect();
    Ok(Group { name: baseline.name, source: path.display().to_string(), runs })
}

/// A run folder, a folder of run folders, or a folder of such folders.
fn folder(path: &Path) -> Result<Vec<Group>, Error> {
    if let Some(digest) = run(path)? {
        return Ok(vec![Group {
            name: name_of(path),
            source: path.display().to_string(),
            runs: vec![(name_of(path), digest)],
        }]);
    }
    let mut runs: Vec<(String, Digest)> = Vec::new();
    for inside in folders(path)? {
        if let Some(digest) = run(&inside)? {
            runs.push((name_of(&inside), digest));
            continue;
        }
        // What `run --out` makes of repeats: a folder of run folders.
        for repeat in folders(&inside)? {
            let name = format!("{}/{}", name_of(&inside), name_of(&repeat));
            runs.extend(run(&repeat)?.map(|digest| (name, digest)));
        }
    }
    runs.sort_by(|(name, one), (other_name, other)| (&one.run.started, name).cmp(&(&other.run.started, other_name)));
    let mut profiles: Vec<String> = runs.iter().map(|(_, digest)| digest.run.profile.clone()).collect();
    profiles.sort_unstable();
    profiles.dedup();
    match profiles.len() {
        0 => Err(Error::NoRuns { path: path.to_owned() }),
        1 => Ok(by_variant(path, runs)),
        _ => Err(Error::Profiles { path: path.to_owned(), profiles }),
    }
}

/// The folders in a folder.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let list = std::fs::read_dir(path).map_err(failed)?;
    let paths: Vec<PathBuf> = list.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>().map_err(failed)?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// One group a variant, in the order in which they were first run.
fn by_variant(path: &Path, runs: Vec<(String, Digest)>) -> Vec<Group> {
    let mut groups: Vec<(Option<String>, Group)> = Vec::new();
    for (name, digest) in runs {
        let variant = digest.run.variant.clone();
        if let Some((_, group)) = groups.iter_mut().find(|(known, _)| *known == variant) {
            group.runs.push((name, digest));
        } else {
            let source = path.join(variant.as_deref().unwrap_or_default()).display().to_string();
            let called = variant.clone().unwrap_or_else(|| digest.run.strategy.clone());
            groups.push((variant, Group { name: called, source, runs: vec![(name, digest)] }));
        }
    }
    if let [(_, only)] = groups.as_mut_slice() {
        only.name = name_of(path);
        only.source = path.display().to_string();
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The digest of the run in a folder; none when it is no run folder.
fn run(folder: &Path) -> Result<Option<Digest>, Error> {
    let path = folder.join(render::json::FORMAT.file);
    if path.is_file() {
        return report(&path).map(Some);
    }
    if folder.join("manifest.json").is_file() {
        return Err(Error::NoReport { path: folder.to_owned() });
    }
    Ok(None)
}

/// The digest of a `report.json`.
pub(super) fn report(path: &Path) -> Result<Digest, Error> {
    let report = render::parse(&read(path)?).map_err(|source| Error::Parse { path: path.to_owned(), source })?;
    Ok(contrast::digest(&report))
}

/// A file, by what it says that it is.
fn file(path: &Path) -> Result<Group, Error> {
    let text = read(path)?;
    let schema = serde_json::from_str::<serde_json::Value>(&text).ok();
    let schema = schema.as_ref().and_then(|value| value.get("schema")?.as_str()).unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match schema.split('/').next() {
        Some("jetlag.baseline") => baseline(path),
        Some("jetlag.comparison") => Err(Error::Comparison { path: path.to_owned(), folder: folder.to_owned() }),
        _ => {
            let is_usual = path.file_name().is_some_and(|name| name == render::json::FORMAT.file);
            let name = if is_usual { name_of(folder) } else { name_of(path) };
            Ok(Group { name: name.clone(), source: path.display().to_string(), runs: vec![(name, report(path)?)] })
        }
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The last part of a path, without the ending of a file.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
