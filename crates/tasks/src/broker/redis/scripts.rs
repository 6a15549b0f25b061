//! The steps that have to be one: scripts that the server runs.

use std::sync::LazyLock;

use crate::redis::{Script, permits};

pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));
pub(super) static PUT_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("put_back.lua")));
pub(super) static OVERDUE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("overdue.lua")));
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("renew.lua")));
pub(super) static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("leave.lua")));
pub(super) static BIND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("bind.lua")));
pub(super) static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sweep.lua")));

/// All of them; each connection loads them, because any may be used on it.
pub(super) fn all() -> &'static [&'static Script] {
    static ALL: LazyLock<[&Script; 9]> = LazyLock::new(|| {
        [&*TAKE, &*PUT_BACK, &*OVERDUE, &*RENEW, &*LEAVE, &*BIND, &*SWEEP, &*permits::TAKE, &*permits::RENEW]
    });
    &*ALL
}
