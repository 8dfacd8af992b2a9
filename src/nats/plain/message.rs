//! A message of our own client: where its parts lie in the bytes that were read.

use std::rc::Rc;

use async_nats::{HeaderMap, StatusCode};
use bytes::Bytes;

/// A message. It shares the bytes that one read brought with its neighbours: nothing of it is copied, and whatever headers
/// it has are the only thing that is allocated for it.
#[derive(Debug)]
pub struct Message {
    pub(super) bytes: Rc<Bytes>,
    pub(super) subject: Part,
    /// Empty where there is none.
    pub(super) reply: Part,
    pub(super) payload: Part,
    pub(super) told: Option<Box<Told>>,
}

/// Where a part of a message lies. Reads hold less than 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// What the headers of a message say.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) headers: Option<HeaderMap>,
    pub(super) status: Option<StatusCode>,
}

impl Message {
    /// Where it was sent to.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text(self.subject)
    }

    /// Where an answer goes, if one is wanted.
    #[must_use]
    pub fn reply(&self) -> Option<&str> {
        (self.reply.from < self.reply.to).then(|| self.text(self.reply))
    }

    /// The bytes of [`Self::subject`], without the look whether they are text.
    #[must_use]
    pub fn subject_bytes(&self) -> &[u8] {
        self.part(self.subject)
    }

    /// The bytes of [`Self::reply`]; none where no answer is wanted.
    #[must_use]
    pub fn reply_bytes(&self) -> &[u8] {
        self.part(self.reply)
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.part(self.payload)
    }

    /// Its headers, if it has any.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.told.as_ref()?.headers.as_ref()
    }

    /// The status that the server gave it: then it is no message of anybody's.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.told.as_ref()?.status
    }

    fn part(&self, part: Part) -> &[u8] {
        self.bytes.get(part.from as usize..part.to as usize).unwrap_or_default()
    }

    fn text(&self, part: Part) -> &str {
        // It was text when it was read.
        std::str::from_utf8(self.part(part)).unwrap_or_default()
    }
}
