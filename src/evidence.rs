//! Evidence on disk: journals, manifest, story, the run folder.
//!
//! Workers write through [`Writer`], the driver through [`Folder`] and [`StoryWriter`]; everybody else gets a
//! [`History`](crate::model::history::History) from [`load`]. What the evidence means is decided on the floor below.

mod check;
mod codec;
mod drop;
mod error;
mod folder;
mod follow;
mod map;
mod reader;
mod segment;
mod stored;
mod story;
mod supply;
mod writer;

use std::path::{Path, PathBuf};

pub use drop::{AROUND, Dropper};
pub use error::Error;
pub use folder::{Folder, load, load_beside_journals, write_atomic};
pub use follow::{Follower, Given};
pub use reader::{Read, read_journal};
pub use stored::StoredWriter;
pub use story::StoryWriter;
pub use supply::Stalls;
pub use writer::{Layout, Slot, Writer};

/// The file of a segment: six digits, so that names sort as numbers do for four terabytes.
fn journal_file(folder: &Path, index: u32) -> PathBuf {
    folder.join(format!("{index:06}.seg"))
}
