//! Removes what a run whose driver died left on a user's own server.

use std::path::Path;

use super::{Error, provision};
use crate::evidence::Folder;
use crate::model::bank;
use crate::nats::Access;
use crate::strategy::effects;

/// Removes the streams and the buckets of the run in `folder` from the server behind `access`. Nothing else is touched:
/// all carry the run's id. What is not there any more is fine.
///
/// Returns their name.
///
/// # Errors
/// When the folder holds no run, the server cannot be reached, or it refuses.
pub async fn clean(folder: &Path, access: &Access) -> Result<String, Error> {
    let manifest = Folder::open(folder)?.manifest()?;
    let client = access.connect("jetlag-clean", |_| ()).await?;
    let name = provision::name_of(&manifest.run_id);
    let jetstream = access.jetstream(client, provision::REQUEST_WITHIN);
    // A strategy's bucket has the group's name. What a run had none of is not there, and that is fine.
    let buckets = [name.clone(), bank::bucket(&name)];
    provision::remove(&jetstream, &[name.clone(), effects::stream_of(&name)], &buckets).await?;
    Ok(name)
}
