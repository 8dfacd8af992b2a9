//! The run folder: where each thing lies, and the way back from files to a history.
//!
//! ```text
//! <run>/manifest.json           what was run
//!       journals/driver.jsonl   the driver's story
//!       journals/c3.2/*.seg     one journal an incarnation
//!       dropped.json            which verified segments were removed, where that is wanted
//!       stored.bin              what the stream held at the end, where it was read back
//!       server/0/               store and log of the first server
//!       report.json, report.html
//! ```

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Error;
use super::stored::{self, StoredWriter};
use super::story::{self, StoryWriter};
use super::{drop, reader, writer};
use crate::model::dropped::Dropped;
use crate::model::history::History;
use crate::model::manifest::{FORMAT, Manifest};
use crate::model::record::Author;
use crate::model::stored::StoredMessage;
use crate::model::story::{StoryEvent, StoryLine};
use crate::verdict::abreast;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder of a run, its subfolders and its manifest.
    ///
    /// # Errors
    ///
    /// When there is a run already, or something cannot be made.
    pub fn create(path: &Path, manifest: &Manifest) -> Result<Self, Error> {
        let folder = Self { path: path.to_owned() };
        if folder.manifest_path().exists() {
            return Err(Error::Exists { path: folder.manifest_path() });
        }
        for made in [folder.journals(), folder.server()] {
            std::fs::create_dir_all(&made).map_err(Error::io("create", made))?;
        }
        let mut text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::Manifest { path: folder.manifest_path(), reason: error.to_string() })?;
        text.push(b'\n');
        write_atomic(&folder.manifest_path(), &text)?;
        Ok(folder)
    }

    /// Opens the folder of a run that is there.
    ///
    /// # Errors
    ///
    /// When it has no manifest.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = Self { path: path.to_owned() };
        if folder.manifest_path().is_file() { Ok(folder) } else { Err(Error::NoRun { path: path.to_owned() }) }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was run.
    #[must_use]
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// Where the journals lie; workers get this path.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        journals_of(&self.path)
    }

    /// Where an embedded server keeps its store and its log.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.path.join("server")
    }

    /// The report as data.
    #[must_use]
    pub fn report_json(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// The report for people.
    #[must_use]
    pub fn report_html(&self) -> PathBuf {
        self.path.join("report.html")
    }

    fn story_path(&self) -> PathBuf {
        self.journals().join("driver.jsonl")
    }

    /// The driver's story, to be continued.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn story(&self) -> Result<StoryWriter, Error> {
        StoryWriter::open(self.story_path())
    }

    fn stored_path(&self) -> PathBuf {
        self.path.join("stored.bin")
    }

    /// Begins the file of what the stream holds at the end.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn stored(&self, run_tag: u64) -> Result<StoredWriter, Error> {
        StoredWriter::create(self.stored_path(), run_tag)
    }

    /// What was removed while the run went on, because it had been verified; `None` when nothing was, or when nobody can say.
    #[must_use]
    pub fn dropped(&self, run_tag: u64) -> Option<Dropped> {
        drop::read(&dropped_in(&self.path), run_tag).ok().flatten()
    }

    /// Begins the journal of `author`.
    ///
    /// # Errors
    ///
    /// As [`writer::Writer::create`].
    pub fn journal(&self, author: Author, run_tag: u64) -> Result<writer::Writer, Error> {
        writer::Writer::create(&self.journals(), author, run_tag, writer::Layout::default())
    }

    /// Reads the manifest.
    ///
    /// # Errors
    ///
    /// When it is missing, cannot be understood, or is of a newer format.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let path = self.manifest_path();
        let text = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoRun { path: self.path.clone() },
            _ => Error::io("read", &path)(error),
        })?;
        let unclear = |error: serde_json::Error| Error::Manifest { path: path.clone(), reason: error.to_string() };
        // The format first: a newer manifest may lack what this one needs, and its reader should hear why.
        let format: Format = serde_json::from_slice(&text).map_err(unclear)?;
        if format.format > FORMAT {
            return Err(Error::Newer { path, found: format.format, known: FORMAT });
        }
        serde_json::from_slice(&text).map_err(unclear)
    }

    /// Who left a journal, in order; and names that belong to nobody.
    fn authors(&self) -> Result<(Vec<Author>, Vec<String>), Error> {
        let (mut authors, mut strangers) = (Vec::new(), Vec::new());
        let path = self.journals();
        let list = std::fs::read_dir(&path).map_err(Error::io("list", &path))?;
        for entry in list {
            let entry = entry.map_err(Error::io("list", &path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.parse::<Author>() {
                Ok(author) if author.to_string() == name => authors.push(author),
                _ if entry.path().is_dir() => strangers.push(name),
                _ => {}
            }
        }
        authors.sort_unstable();
        strangers.sort_unstable();
        Ok((authors, strangers))
    }
}

/// Where the journals of the run in `folder` lie.
pub(super) fn journals_of(folder: &Path) -> PathBuf {
    folder.join("journals")
}

/// Where it says what was dropped.
pub(super) fn dropped_in(folder: &Path) -> PathBuf {
    folder.join("dropped.json")
}

#[derive(serde::Deserialize)]
struct Format {
    format: u32,
}

/// Writes a file so that it is there whole or not at all, also when the machine stops.
///
/// # Errors
///
/// When it cannot be written; what was at `path` before is still there then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".jetlag-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        // Temporary files are private; a report is to be read by others, as far as the folder lets them.
        #[cfg(unix)]
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// Reads everything that a run left behind.
///
/// # Errors
///
/// Only when there is no run, its manifest cannot be understood, or a newer jetlag wrote it. All other trouble is
/// told in [`History::damage`].
pub fn load(path: &Path) -> Result<History, Error> {
    let folder = Folder::open(path)?;
    let manifest = folder.manifest()?;
    let (story, mut damage) = story::read(&folder.story_path());
    let (authors, strangers) = folder.authors().unwrap_or_else(|error| {
        damage.push(format!("the journals cannot be found: {error}"));
        (Vec::new(), Vec::new())
    });
    damage.extend(strangers.iter().map(|name| format!("journals/{name} is no incarnation's journal: left out")));
    let dropped = drop::read(&dropped_in(path), manifest.run_tag).unwrap_or_else(|sentence| {
        damage.push(sentence);
        None
    });
    let mut journals = Vec::with_capacity(authors.len());
    for (author, read) in read_journals(&folder, &authors, manifest.run_tag, dropped.as_ref()) {
        match read {
            Ok(read) => {
                journals.push(read.journal);
                damage.extend(read.damage);
            }
            Err(newer @ Error::Newer { .. }) => return Err(newer),
            Err(error) => damage.push(format!("the journal of {author} cannot be read: {error}")),
        }
    }
    let stored = read_stored(&folder, &manifest, &story, &mut damage)?;
    Ok(History { manifest, story, journals, stored, dropped, damage })
}

/// Reads the journals of these authors, two at a time; in order of author.
fn read_journals(
    folder: &Folder,
    authors: &[Author],
    run_tag: u64,
    dropped: Option<&Dropped>,
) -> Vec<(Author, Result<reader::Read, Error>)> {
    let next = AtomicUsize::new(0);
    let read_some = || {
        let mut some = Vec::new();
        while let Some(&author) = authors.get(next.fetch_add(1, Ordering::Relaxed)) {
            let gone = dropped.map_or(&[][..], |dropped| dropped.of_journal(author));
            let journal = folder.journals().join(author.to_string());
            some.push((author, reader::read_what_is_left(&journal, author, run_tag, gone)));
        }
        some
    };
    let (mut read, other) = abreast::both(authors.len() > 1, read_some, read_some);
    read.extend(other);
    read.sort_by_key(|read| read.0);
    read
}

/// Reads what a run left behind beside its journals, for who has followed those.
///
/// # Errors
///
/// As [`load`].
pub fn load_beside_journals(path: &Path) -> Result<History, Error> {
    let folder = Folder::open(path)?;
    let manifest = folder.manifest()?;
    let (story, mut damage) = story::read(&folder.story_path());
    let dropped = drop::read(&dropped_in(path), manifest.run_tag).unwrap_or_else(|sentence| {
        damage.push(sentence);
        None
    });
    let stored = read_stored(&folder, &manifest, &story, &mut damage)?;
    Ok(History { manifest, story, journals: Vec::new(), stored, dropped, damage })
}

/// What the stream held at the end. Once the driver has told how much it read, all of it must be there; before, it was killed.
fn read_stored(
    folder: &Folder,
    manifest: &Manifest,
    story: &[StoryLine],
    damage: &mut Vec<String>,
) -> Result<Vec<StoredMessage>, Error> {
    let told = story.iter().find_map(|line| match line.event {
        StoryEvent::StreamRead { extent } => Some(extent.messages),
        _ => None,
    });
    let Some(found) = stored::read(&folder.stored_path(), manifest.run_tag)? else {
        damage.extend(told.map(|_| "what was read back of the stream is missing (stored.bin)".to_owned()));
        return Ok(Vec::new());
    };
    let is = found.messages.len() as u64;
    damage.extend(found.damage);
    if let Some(told) = told.filter(|told| *told != is || found.cut_off) {
        damage.push(format!("of {told} messages that were read back of the stream {is} are there (stored.bin)"));
    }
    Ok(found.messages)
}
