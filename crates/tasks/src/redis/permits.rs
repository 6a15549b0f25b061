//! Permits in Redis, whose clock counts.

use std::sync::LazyLock;

use redis::cmd;

use super::{Link, Script, array, integer, text};
use crate::error::Result;
use crate::permits::{Permit, Taken};

pub(crate) static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take_permits.lua")));
pub(crate) static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew_permits.lua")));

/// # Wire
/// For each name a sorted set `_salamander.permit.NAME` of the holders, by the millisecond at which they lapse.
fn key(prefix: &str, permit: &Permit) -> String {
    format!("{prefix}_salamander.permit.{}", permit.name)
}

fn command(script: &Script, prefix: &str, permits: &[Permit]) -> redis::Cmd {
    let mut command = script.command(permits.len());
    for permit in permits {
        command.arg(key(prefix, permit));
    }
    for permit in permits {
        command.arg(&*permit.holder).arg(permit.most).arg(permit.millis());
    }
    command
}

/// Takes all of these, or none.
pub(crate) async fn take(link: &Link, prefix: &str, wanted: &[Permit]) -> Result<Taken> {
    let refused = array(link.one(command(&TAKE, prefix, wanted)).await?);
    let mut refused = refused.into_iter();
    let (Some(at), Some(holder), Some(left)) = (refused.next(), refused.next(), refused.next()) else {
        return Ok(Taken::Granted);
    };
    let at = integer(&at).and_then(|at| usize::try_from(at - 1).ok());
    let name = at.and_then(|at| wanted.get(at)).map(|permit| permit.name.clone()).unwrap_or_default();
    Ok(Taken::refused(name, text(holder).unwrap_or_default(), integer(&left).unwrap_or_default()))
}

/// Keeps these for longer.
pub(crate) async fn renew(link: &Link, prefix: &str, held: &[Permit]) -> Result<()> {
    if held.is_empty() {
        return Ok(());
    }
    link.one(command(&RENEW, prefix, held)).await.map(drop)
}

/// Gives these back.
pub(crate) async fn give_back(link: &Link, prefix: &str, held: &[Permit]) -> Result<()> {
    let removed = held.iter().map(|permit| {
        let mut remove = cmd("ZREM");
        remove.arg(key(prefix, permit)).arg(&*permit.holder);
        remove
    });
    link.run(removed.collect()).await.map(drop)
}
