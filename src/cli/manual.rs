//! `jetlag completions` and `jetlag man`: what shells and readers of manuals want, made of the same words as `--help`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::exit;
use super::out::{out, outln};

/// Words of `jetlag completions`.
#[derive(Debug, Args)]
#[command(after_help = "bash: jetlag completions bash > ~/.local/share/bash-completion/completions/jetlag\n\
zsh:  jetlag completions zsh > DIR/_jetlag, with DIR in $fpath\n\
fish: jetlag completions fish > ~/.config/fish/completions/jetlag.fish")]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Words of `jetlag man`.
#[derive(Debug, Args)]
#[command(after_help = "To read it: jetlag man | man -l -\nTo install: jetlag man --out ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write a page for each subcommand into this folder, instead of printing that of jetlag.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints what the shell reads.
pub(super) fn completions(args: &CompletionsArgs, mut program: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "jetlag", &mut script);
    out!("{}", String::from_utf8_lossy(&script));
    exit::GOOD
}

/// Prints the page, or writes all pages.
pub(super) fn man(args: &ManArgs, program: Command) -> ExitCode {
    let Some(folder) = &args.out else {
        return match page(program) {
            Ok(page) => {
                out!("{}", String::from_utf8_lossy(&page));
                exit::GOOD
            }
            Err(error) => exit::environment(&error, false),
        };
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
    match written.map_err(|source| Error { folder: folder.clone(), source }) {
        Ok(()) => {
            outln!("{}", folder.display());
            exit::GOOD
        }
        Err(error) => exit::environment(&error, false),
    }
}

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
#[error("cannot write manual pages into {}: {source}; name another folder with --out", folder.display())]
struct Error {
    folder: PathBuf,
    source: std::io::Error,
}

fn page(command: Command) -> Result<Vec<u8>, std::io::Error> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
