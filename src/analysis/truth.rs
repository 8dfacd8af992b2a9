//! Whose word counts for what was stored, in words.

use crate::model::history::History;
use crate::model::report::{StoredTruth, TruthSource};
use crate::model::story::StoryEvent;

/// As the driver told it; none for a run that does not tell: of an earlier version, or one whose driver died.
pub(super) fn told(history: &History) -> Option<StoredTruth> {
    history.story.iter().find_map(|line| match &line.event {
        StoryEvent::StreamRead { extent } if extent.is_whole() => Some(StoredTruth {
            source: TruthSource::Stream,
            messages: Some(extent.messages),
            why: "it was read back at the end".to_owned(),
        }),
        StoryEvent::StreamRead { extent } => Some(StoredTruth {
            source: TruthSource::StreamInPart,
            messages: Some(extent.messages),
            why: format!("it was read back up to sequence {} of {}", extent.through, extent.last),
        }),
        StoryEvent::StreamNotRead { reason } => {
            Some(StoredTruth { source: TruthSource::Acknowledgements, messages: None, why: reason.clone() })
        }
        _ => None,
    })
}
