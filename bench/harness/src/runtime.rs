//! The runtime and the CPU of a process.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use tokio::runtime::{Builder, Runtime};

use crate::{Args, Failure};

/// Keeps the process on the CPU that `cpu=` names, if it is given.
pub fn pin(args: &Args) -> Result<(), Failure> {
    args.get("cpu")?.map_or(Ok(()), pin_to)
}

/// Keeps this thread, and those that it starts, on a CPU.
pub fn pin_to(cpu: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The runtime that `runtime=` names: `ct`, tokio's current-thread one, or `mt`, its multi-thread one as it is by default. Made
/// after [`pin`], the latter has as many threads as the process has CPUs.
pub fn runtime(args: &Args) -> Result<Runtime, Failure> {
    let mut builder = match args.text("runtime")? {
        "ct" => Builder::new_current_thread(),
        "mt" => Builder::new_multi_thread(),
        other => return Err(format!("there is no runtime {other}").into()),
    };
    Ok(builder.enable_all().build()?)
}

/// Lets the process open at least so many files, as far as that is allowed.
pub fn raise_file_limit(least: u64) -> Result<(), Failure> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < least {
        setrlimit(Resource::RLIMIT_NOFILE, least.min(hard), hard)?;
    }
    Ok(())
}
