//! Tries the rights of a user on his own server before anything is made there, and says which are missing.
//!
//! A message to a subject that means nothing yet moves nothing, but the server says when it is not allowed. So this works
//! for every way of logging in and every version, and needs no right of its own.

use std::time::Duration;

use async_nats::{Event, HeaderMap, header};
use tokio::sync::mpsc;

use crate::driver::Error;
use crate::nats::Access;
use crate::profile::Plan;
use crate::strategy::rights::{Act, Names, Right, permissions};

/// How long the server's word on the last of them is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a refusal may come after an answer that was sent behind it.
const GRACE: Duration = Duration::from_millis(20);

/// Tries everything that a run of `plan` with these names needs.
///
/// # Errors
/// [`Error::Rights`] with what is missing and how to grant it; or when there is no connection.
pub(super) async fn check(access: &Access, plan: &Plan, names: &Names<'_>) -> Result<(), Error> {
    let rights = plan.rights(names);
    let (refusing, mut refusals) = mpsc::unbounded_channel();
    let client = access
        .connect("jetlag-rights", move |event| {
            if let Event::ServerError(error) = event {
                let _ = refusing.send(error.to_string());
            }
        })
        .await?;
    let lost = |error: &dyn std::fmt::Display| Error::refused("try the user's rights", &error);
    // A stream of somebody else's that takes these subjects would refuse a message that names another stream.
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_EXPECTED_STREAM, names.stream);
    let mut subscribed = Vec::new();
    for right in &rights {
        match right.act {
            Act::Subscribe => {
                subscribed.push(client.subscribe(right.tried.clone()).await.map_err(|error| lost(&error))?);
            }
            Act::Publish => {
                let tried = client.publish_with_headers(right.tried.clone(), headers.clone(), "".into());
                tried.await.map_err(|error| lost(&error))?;
            }
        }
    }
    // Behind all of them something that is answered, or refused, whatever the rights: then all has been said.
    let request = format!("STREAM.INFO.{}", names.stream);
    let last = format!("{}.{request}", names.api);
    let answer = tokio::time::timeout(ANSWER_WITHIN, client.request(last, "".into()));
    let mut answer = std::pin::pin!(answer);
    let mut refused = Vec::new();
    let mut last_said = 0;
    loop {
        tokio::select! {
            Some(refusal) = refusals.recv() => {
                // It is refused once as one of the rights, and once as the last.
                last_said += usize::from(subject_of(&refusal).is_some_and(|subject| subject.ends_with(&request)));
                refused.push(refusal);
                if last_said > 1 {
                    break;
                }
            }
            _ = &mut answer => {
                tokio::time::sleep(GRACE).await;
                break;
            }
        }
    }
    while let Ok(refusal) = refusals.try_recv() {
        refused.push(refusal);
    }
    // A server that is in the domain itself maps the domain's subjects to the plain ones first, and then looks at the rights.
    let plain = plan.rights(&Names { api: "$JS.API", ..*names });
    let rights = if missing(&plain, &refused).len() > missing(&rights, &refused).len() { plain } else { rights };
    let missing = missing(&rights, &refused);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Rights {
        identity: access.identity().describe(),
        strategy: plan.strategy.kind(),
        missing: told(&missing),
        permissions: permissions(&rights),
    })
}

/// The rights that were refused.
fn missing<'a>(rights: &'a [Right], refused: &[String]) -> Vec<&'a Right> {
    let is_refused = |right: &&Right| {
        let act = match right.act {
            Act::Publish => "publish",
            Act::Subscribe => "subscription",
        };
        let about = |refusal: &&String| {
            refusal.to_ascii_lowercase().contains(act) && subject_of(refusal) == Some(right.tried.as_str())
        };
        refused.iter().any(|refusal| about(&refusal))
    };
    rights.iter().filter(is_refused).collect()
}

fn told(missing: &[&Right]) -> String {
    let of = |right: &&Right| match right.act {
        Act::Publish => format!("to publish to {} (to {})", right.grant, right.why),
        Act::Subscribe => format!("to subscribe to {} (to {})", right.grant, right.why),
    };
    missing.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// The subject in `Permissions Violation for Publish to "subject"`.
fn subject_of(refusal: &str) -> Option<&str> {
    refusal.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_mapped_to_the_right_that_is_missing() {
        let strategy = crate::strategy::Strategy::SharedPull(crate::strategy::shared_pull::Settings::default());
        let names = Names { api: "$JS.API", stream: "S", group: "G", subject: "jetlag.1.p.0" };
        let rights = strategy.rights(&names);
        let refused = [
            "nats: Permissions Violation for Publish to \"$JS.API.CONSUMER.MSG.NEXT.S.G\"".to_owned(),
            "nats: Permissions Violation for Subscription to \"_INBOX.G.rights\"".to_owned(),
            "nats: Permissions Violation for Publish to \"somewhere else\"".to_owned(),
        ];
        let missing = missing(&rights, &refused);
        let told = told(&missing);
        assert_eq!(missing.len(), 2, "{told}");
        assert!(told.contains("to publish to $JS.API.CONSUMER.MSG.NEXT.*.* (to pull messages)"), "{told}");
        assert!(told.contains("to subscribe to _INBOX.>"), "{told}");
    }
}
