//! Fetching tools and running them, within bounds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A machine without network must not hang a test run; a slow one must be able to build a small Go program.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a command printed on standard output. Everything else, with what it said of it, is an error.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let log = |name: &str| std::fs::File::create(folder.path().join(name)).map_err(|error| error.to_string());
    let told = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    // Files, not pipes: a pipe that nobody empties would stop the tool.
    command.stdin(Stdio::null()).stdout(log("out")?).stderr(log("err")?);
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{command:?} took more than {PATIENCE:?}"));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if status.success() {
        Ok(told("out"))
    } else {
        Err(format!("{command:?}: {status}\n{}{}", told("out"), told("err")))
    }
}

/// A program on the path.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    which::which(name).map_err(|_| format!("there is no {name} here"))
}

/// The folder of a tool of that name and version, made by `fetch` unless it is there.
pub(crate) fn kept(name: &str, fetch: impl FnOnce(&Path) -> Result<String, String>) -> Result<PathBuf, String> {
    // One at a time: several tests may want the same tool.
    static FETCHING: Mutex<()> = Mutex::new(());
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("format-readers/tools").join(name.replace('/', "_"));
    let whole = folder.join("whole");
    if !whole.exists() {
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        fetch(&folder).map_err(|why| format!("{name} could not be fetched: {}", why.trim()))?;
        std::fs::write(&whole, "").map_err(|error| format!("{}: {error}", whole.display()))?;
    }
    Ok(folder)
}
