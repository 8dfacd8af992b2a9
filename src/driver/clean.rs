//! Removes what a run whose driver died left on a user's own server.

use std::path::Path;

use super::{Error, provision};
use crate::evidence::Folder;
use crate::nats::Access;

/// Removes the stream and the bucket of the run in `folder` from the server behind `access`. Nothing else is touched:
/// both carry the run's id. What is not there any more is fine.
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
    provision::remove(&jetstream, &name, Some(&name)).await?;
    Ok(name)
}
