//! Of several tasks of one key the first is sent, and the others are it.

use std::time::Duration;

use salamander_codec::Args;
use salamander_value::Str;

use super::SendOptions;
use crate::App;
use crate::app::NO_STORE;
use crate::error::{Error, Kind, Result};
use crate::permits::{Permit, Taken};
use crate::task::KeyTemplate;

/// The most bytes of a key.
const MOST: usize = 500;

/// The permit that a task needs to be sent, where it is to be sent once: what is said of the call goes before what the task says.
pub(super) fn permit(
    app: &App,
    task: &str,
    id: &Str,
    arguments: &Args,
    options: &SendOptions,
) -> Result<Option<Permit>> {
    let wrong = |what: String| Error::new(Kind::Misuse, format!("the task {task}: {what}"));
    let (key, time) = match &options.dedupe {
        Some((key, _)) if key.len() > MOST => return Err(wrong(format!("a key has {MOST} bytes at most"))),
        Some((key, time)) => (key.clone(), *time),
        None => {
            let Some(known) = app.known(task) else { return Ok(None) };
            let (Some(key), Some(time)) = (&known.options.dedupe_key, known.options.dedupe_for) else {
                return Ok(None);
            };
            let params = known.members.methods.first().map_or(&[][..], |method| method.params);
            let key = KeyTemplate::parse(key).and_then(|key| key.fill(params, arguments)).map_err(wrong)?;
            (key, time)
        }
    };
    Ok(Some(Permit { name: format!("once:{key}").into(), holder: id.clone(), most: 1, time }))
}

/// Sends it if it is the first one; says the id of the one that is.
pub(super) async fn once(
    app: &App,
    permit: Permit,
    limit: Duration,
    deliver: impl Future<Output = Result<()>>,
) -> Result<Str> {
    let refused = || {
        Error::new(Kind::Unsupported, format!("a task that is to be sent once needs one place to look: {NO_STORE}"))
    };
    let permits = app.permits().ok_or_else(refused)?;
    let late = || app.late(&format!("the key {}", permit.name), limit);
    let taken = tokio::time::timeout(limit, permits.take(vec![permit.clone()])).await.map_err(|_| late())??;
    if let Taken::Refused { holder, .. } = taken {
        return Ok(holder);
    }
    if let Err(error) = deliver.await {
        // Whoever tries again is not to be told that it has been sent. Where this does not come through either, the key is free after its time.
        let given = tokio::time::timeout(limit, permits.give_back(vec![permit])).await;
        if !matches!(given, Ok(Ok(()))) {
            tracing::warn!("a task was not sent, and its key is not free yet");
        }
        return Err(error);
    }
    Ok(permit.holder)
}
