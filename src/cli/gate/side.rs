//! A side of a gate that makes its runs: which program, which profile, which settings; and what differs on purpose.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::exit;
use crate::cli::make::own_program;
use crate::contrast;
use crate::evidence;
use crate::profile::builtin;

/// The words that tell base and head apart.
#[derive(Debug, Args)]
#[command(next_help_heading = "Base and head in turn")]
pub(super) struct AbArgs {
    /// Make runs of base and head in turn, A B B A …: nothing else is a fair comparison on a machine that changes.
    #[arg(long, requires = "run", conflicts_with = "baseline")]
    ab: bool,
    /// The jetlag of the base. Default: this one.
    #[arg(long, value_name = "PATH", requires = "ab")]
    base_jetlag: Option<PathBuf>,
    /// The jetlag of the head. Default: this one.
    #[arg(long, value_name = "PATH", requires = "ab")]
    head_jetlag: Option<PathBuf>,
    /// The profile of the base. Default: that of --run.
    #[arg(long, value_name = "PROFILE", requires = "ab")]
    base_profile: Option<String>,
    /// The profile of the head. Default: that of --run.
    #[arg(long, value_name = "PROFILE", requires = "ab")]
    head_profile: Option<String>,
    /// Change a setting of the base only.
    #[arg(long = "base-set", value_name = "SECTION.KEY=VALUE", requires = "ab")]
    base_sets: Vec<String>,
    /// Change a setting of the head only.
    #[arg(long = "head-set", value_name = "SECTION.KEY=VALUE", requires = "ab")]
    head_sets: Vec<String>,
}

/// How runs of one side are made.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// `base` or `head`.
    pub(super) name: &'static str,
    /// The program.
    pub(super) program: PathBuf,
    /// The profile, as a file without what an older program may not know.
    pub(super) profile: PathBuf,
    /// What is set otherwise.
    pub(super) sets: Vec<String>,
    /// Where its runs go.
    pub(super) out: PathBuf,
}

/// The sides whose runs are made.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    /// What is judged.
    pub(super) head: Side,
    /// What it is held against, when that is made too.
    pub(super) base: Option<Side>,
    /// Whether they are made by different programs.
    pub(super) programs_differ: bool,
}

/// Why a run of a side was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{side}: {} is no program: {source}; name a jetlag by --{side}-jetlag PATH", path.display())]
    NoProgram { side: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{side}: `{program} run` {how}: {said}")]
    Refused { side: &'static str, program: String, how: String, said: String, code: u8 },
    #[error("{side}: the run in {} has no report that can be read: {source}", path.display())]
    Report { side: &'static str, path: PathBuf, source: crate::cli::source::Error },
    #[error(transparent)]
    Write(#[from] evidence::Error),
    #[error("cannot prepare {}: {source}", path.display())]
    Prepare { path: PathBuf, source: std::io::Error },
}

impl Error {
    /// What was refused because of its words is a matter of words here too.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Refused { code, .. } if *code == exit::ARGUMENTS => exit::ARGUMENTS,
            Self::NoProgram { .. } => exit::ARGUMENTS,
            _ => exit::ENVIRONMENT,
        }
    }
}

impl AbArgs {
    /// Whether base and head are made in turn.
    pub(super) fn is_on(&self) -> bool {
        self.ab
    }

    /// A program that would start nothing is a misunderstanding.
    pub(super) fn refuse_without_run(&self) -> Result<(), super::Error> {
        if self.ab {
            Err(super::Error::Words("--ab makes runs; name their profile by --run PROFILE".to_owned()))
        } else {
            Ok(())
        }
    }

    /// All that is set on the head.
    pub(super) fn head_sets(&self, common: &[String]) -> Vec<String> {
        common.iter().chain(&self.head_sets).cloned().collect()
    }

    fn base_sets(&self, common: &[String]) -> Vec<String> {
        common.iter().chain(&self.base_sets).cloned().collect()
    }

    fn head_profile<'a>(&'a self, run: &'a str) -> &'a str {
        self.head_profile.as_deref().unwrap_or(run)
    }

    fn base_profile<'a>(&'a self, run: &'a str) -> &'a str {
        self.base_profile.as_deref().unwrap_or(run)
    }

    /// What differs on purpose, because the words say so: the settings in which the two plans differ, and the programs.
    pub(super) fn vary(&self, run: Option<&str>, common: &[String]) -> Result<Vec<String>, super::Error> {
        let Some(run) = run.filter(|_| self.ab) else { return Ok(Vec::new()) };
        let head = super::one_plan(self.head_profile(run), &self.head_sets(common))?;
        let base = super::one_plan(self.base_profile(run), &self.base_sets(common))?;
        let mut vary = contrast::differing(&base.settings, &head.settings);
        if self.programs_differ() {
            vary.extend(["jetlag".to_owned(), "report".to_owned()]);
        }
        Ok(vary)
    }

    fn programs_differ(&self) -> bool {
        self.base_jetlag != self.head_jetlag
    }

    /// The sides, their profiles written into `folder`.
    pub(super) fn sides(&self, run: &str, common: &[String], folder: &Path) -> Result<Sides, super::Error> {
        let side = |name, program: &Option<PathBuf>, profile: &str, sets: Vec<String>| -> Result<Side, super::Error> {
            let program = program_of(name, program.as_deref())?;
            let profile = copied(profile, &folder.join("profiles").join(name))?;
            // What a gate asks is no setting of a run; and repeats are made one by one.
            let mut sets: Vec<String> = sets.into_iter().filter(|set| !set.trim_start().starts_with("gate")).collect();
            sets.push("run.repeat=1".to_owned());
            Ok(Side { name, program, profile, sets, out: folder.join(name) })
        };
        let head = side("head", &self.head_jetlag, self.head_profile(run), self.head_sets(common))?;
        let base = if self.ab {
            Some(side("base", &self.base_jetlag, self.base_profile(run), self.base_sets(common))?)
        } else {
            None
        };
        Ok(Sides { head, base, programs_differ: self.ab && self.programs_differ() })
    }
}

/// The program of a side, which must be there.
fn program_of(side: &'static str, path: Option<&Path>) -> Result<PathBuf, super::Error> {
    let Some(path) = path else { return Ok(own_program().map_err(crate::cli::make::Trouble::Signals)?) };
    let failed = |source| Error::NoProgram { side, path: path.to_owned(), source };
    let whole = path.canonicalize().map_err(failed)?;
    if !whole.is_file() {
        return Err(failed(std::io::Error::other("it is no file")).into());
    }
    Ok(whole)
}

/// A copy of a profile without its section `[gate]`: both sides read the same text, whatever their programs have built in, and a
/// program from before there were gates can read it.
fn copied(name: &str, folder: &Path) -> Result<PathBuf, super::Error> {
    let prepare = |source| Error::Prepare { path: folder.to_owned(), source };
    let path = Path::new(name);
    let (stem, text) = match builtin::find(name) {
        Some(builtin) if !path.is_file() => (builtin.name.to_owned(), builtin.text.to_owned()),
        _ => {
            let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
            (stem, std::fs::read_to_string(path).map_err(prepare)?)
        }
    };
    let mut table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| prepare(std::io::Error::other(error)))?;
    table.remove("gate");
    let body = toml::to_string(&table).map_err(|error| prepare(std::io::Error::other(error)))?;
    std::fs::create_dir_all(folder).map_err(prepare)?;
    let file = folder.join(format!("{stem}.toml"));
    evidence::write_atomic(&file, format!("# {}\n\n{body}", builtin::question(&text)).as_bytes())
        .map_err(Error::Write)?;
    Ok(file)
}
