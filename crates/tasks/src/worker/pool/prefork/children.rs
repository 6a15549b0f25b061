//! [`Children`]: the side of the parent.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use salamander_object::Outcome;
use salamander_value::Exception;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command;
use tokio::sync::Notify;

use super::child::CHILD;
use super::frame::{Frame, Order};
use crate::canvas::Canvas;
use crate::worker::job::{How, Job};
use crate::worker::signals;
use crate::{Error, Kind, Result};

/// How children start, and when they are replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChildOptions {
    /// How long one may take to start; none for [`START`].
    pub(crate) start: Option<Duration>,
    /// After so many jobs.
    pub(crate) max_tasks: Option<u32>,
    /// When it has come to so many KiB of memory.
    pub(crate) max_memory: Option<u64>,
}

/// The children of a worker: those that have nothing to do; the others belong to a lane.
pub(crate) struct Children {
    options: ChildOptions,
    idle: Mutex<Idle>,
    /// There is another idle one, or one less starts.
    changed: Notify,
    ending: AtomicBool,
}

#[derive(Default)]
struct Idle {
    children: Vec<Child>,
    /// How many more will be there soon, in the place of others.
    starting: usize,
}

struct Child {
    process: tokio::process::Child,
    pid: u32,
    reading: OwnedReadHalf,
    writing: OwnedWriteHalf,
    jobs: u32,
}

/// How long a child may take to start.
const START: Duration = Duration::from_secs(60);

/// What a job that has not begun is tried on.
const CHILDREN_A_JOB: u32 = 3;

impl Children {
    /// Starts so many.
    ///
    /// # Errors
    /// Where the program cannot be started again, or does not become a child then.
    pub(crate) async fn start(count: usize, options: ChildOptions) -> Result<Arc<Self>> {
        let (idle, changed, ending) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        let children = Arc::new(Self { options, idle, changed, ending });
        let starting: Vec<_> = (0..count.max(1)).map(|_| tokio::spawn(Child::start(options))).collect();
        for child in starting {
            let child = child.await.map_err(|error| Error::with_source(Kind::Misuse, error.to_string(), error))??;
            children.idle().children.push(child);
        }
        Ok(children)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a job in a child. `entered` is told the child's process id when it begins, and says whether it may.
    pub(crate) async fn run(
        self: &Arc<Self>,
        job: &Arc<Job>,
        mut entered: impl FnMut(Option<u32>) -> Option<How>,
    ) -> How {
        let order = Frame::Job(Box::new(Order {
            number: job.number,
            queue: job.queue.clone(),
            redelivered: job.redelivered,
            message: job.message().clone(),
        }));
        let mut lost = String::from("exitcode 0");
        for _ in 0..CHILDREN_A_JOB {
            if job.stop.is_hard() {
                return How::Stopped;
            }
            let mut child = match self.child().await {
                Ok(child) => child,
                Err(error) => {
                    tracing::error!("cannot start a child process: {error}");
                    return How::Lost(error.to_string());
                }
            };
            let mut began = false;
            match child.run(&order, job, &mut began, &mut entered).await {
                Ok((how, memory)) => {
                    self.put_back(child, memory);
                    return how;
                }
                Err(()) => {
                    lost = child.ended().await;
                    if job.stop.is_hard() {
                        return How::Stopped;
                    }
                    if began {
                        break;
                    }
                }
            }
        }
        How::Lost(lost)
    }

    /// One that has nothing to do, or that takes the place of another; or else a new one.
    async fn child(&self) -> Result<Child> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let (idle, starting) = {
                let mut idle = self.idle();
                (idle.children.pop(), idle.starting)
            };
            match idle {
                Some(mut child) => match child.process.try_wait() {
                    Ok(None) => return Ok(child),
                    // One that has died meanwhile is passed over.
                    _ => tracing::error!("Process {} exited while it had nothing to do", child.pid),
                },
                None if starting > 0 => changed.await,
                None => return Child::start(self.options).await,
            }
        }
    }

    fn put_back(self: &Arc<Self>, mut child: Child, memory: u64) {
        child.jobs += 1;
        let many = self.options.max_tasks.is_some_and(|most| child.jobs >= most);
        let much = self.options.max_memory.filter(|most| memory > *most);
        if let Some(most) = much {
            tracing::warn!("child process exiting after exceeding memory limit ({memory}KiB / {most}KiB)");
        }
        if !many && much.is_none() {
            self.idle().children.push(child);
            self.changed.notify_waiters();
            return;
        }
        self.idle().starting += 1;
        // It begins before there is a job for it.
        let children = self.clone();
        tokio::spawn(async move {
            let Child { mut process, reading, writing, .. } = child;
            drop((reading, writing));
            let started = match children.ending.load(Ordering::Acquire) {
                true => None,
                false => Some(Child::start(children.options).await),
            };
            {
                let mut idle = children.idle();
                idle.starting -= 1;
                match started {
                    Some(Ok(child)) => idle.children.push(child),
                    Some(Err(error)) => tracing::error!("cannot start a child process: {error}"),
                    None => {}
                }
            }
            children.changed.notify_waiters();
            _ = process.wait().await;
        });
    }

    /// Ends those that have nothing to do; the others are killed with their lanes.
    pub(crate) async fn end(&self) {
        self.ending.store(true, Ordering::Release);
        let idle = std::mem::take(&mut self.idle().children);
        for child in idle {
            let Child { mut process, reading, writing, .. } = child;
            // Which it takes as the end.
            drop((reading, writing));
            if tokio::time::timeout(Duration::from_secs(5), process.wait()).await.is_err() {
                _ = process.kill().await;
            }
        }
    }
}

impl Child {
    async fn start(options: ChildOptions) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::with_source(Kind::Refused, format!("cannot start a child process: {error}"), error)
        };
        let (ours, theirs) = Pair::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let (reading, writing) = UnixStream::from_std(ours).map_err(failed)?.into_split();
        let mut arguments: Vec<_> = std::env::args_os().collect();
        let name = if arguments.is_empty() { None } else { Some(arguments.remove(0)) };
        // The program that runs, even if another file has its name by now.
        let program = match cfg!(target_os = "linux") {
            true => "/proc/self/exe".into(),
            false => std::env::current_exe().map_err(failed)?,
        };
        let mut command = Command::new(program);
        if let Some(name) = name {
            command.arg0(name);
        }
        command.args(arguments).env(CHILD, "1").stdin(Stdio::from(OwnedFd::from(theirs))).kill_on_drop(true);
        let process = command.spawn().map_err(failed)?;
        // Ours would keep the socket open beside theirs.
        drop(command);
        let pid = process.id().unwrap_or_default();
        let mut child = Self { process, pid, reading, writing, jobs: 0 };
        match tokio::time::timeout(options.start.unwrap_or(START), Frame::read(&mut child.reading)).await {
            Ok(Ok(Some(Frame::Ready))) => Ok(child),
            Ok(Ok(None)) => {
                let status = child.ended().await;
                Err(Error::new(
                    Kind::Misuse,
                    format!(
                        "a child process ended before it ran the worker: {status}; it is the same program with the same arguments"
                    ),
                ))
            }
            Ok(Ok(Some(_))) => {
                Err(Error::new(Kind::Message, "a child process says something else than that it is ready"))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new(Kind::Deadline, "a child process does not come to running the worker")),
        }
    }

    /// The outcome, and the memory in use; an error where the child is gone.
    async fn run(
        &mut self,
        order: &Frame,
        job: &Arc<Job>,
        began: &mut bool,
        entered: &mut impl FnMut(Option<u32>) -> Option<How>,
    ) -> Result<(How, u64), ()> {
        if !*began && let Some(how) = entered(Some(self.pid)) {
            return Ok((how, 0));
        }
        if let Err(error) = order.write(&mut self.writing).await {
            if error.kind() == Kind::Misuse {
                return Ok((How::Of(Outcome::Exception(Exception::runtime_error(error.to_string()))), 0));
            }
            return Err(());
        }
        let (pid, mut told) = (self.pid, false);
        let (reading, writing) = (&mut self.reading, &mut self.writing);
        loop {
            // Once begun, the reading of a frame is not given up.
            let mut read = std::pin::pin!(Frame::read(reading));
            let frame = loop {
                tokio::select! {
                    biased;
                    frame = &mut read => break frame,
                    () = job.stop.changed(told), if !(told && job.stop.is_hard()) => {
                        if job.stop.is_hard() {
                            kill(pid, job.stop.signal());
                        } else {
                            _ = Frame::Soft.write(writing).await;
                        }
                        told = true;
                    }
                }
            };
            let (how, left) = match frame {
                Ok(Some(Frame::Began)) => {
                    *began = true;
                    continue;
                }
                Ok(Some(Frame::Value(encoded, left))) => (How::Of(Outcome::Value(encoded)), left),
                Ok(Some(Frame::Exception(exception, left))) => (How::Of(Outcome::Exception(exception)), left),
                Ok(Some(_)) | Err(_) => {
                    _ = self.process.start_kill();
                    return Err(());
                }
                Ok(None) => return Err(()),
            };
            left.children.into_iter().for_each(|child| job.context.add_child(child));
            let how = match left.replacement.map(|canvas| Canvas::from_value(&canvas)) {
                Some(Ok(canvas)) => {
                    job.context.set_replacement(canvas);
                    how
                }
                Some(Err(error)) => How::Of(Outcome::Exception(Exception::runtime_error(error.to_string()))),
                None => how,
            };
            return Ok((if job.stop.is_hard() { How::Stopped } else { how }, left.memory));
        }
    }

    /// Waits for its end; what it was, in billiard's words.
    async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status_words(status),
            Err(error) => error.to_string(),
        }
    }
}

fn kill(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        // It may have gone by itself.
        _ = kill_process(pid, signal);
    }
}

/// How a process ended, as billiard says it.
fn status_words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signals::name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, code) => format!("exitcode {}", code.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_said_as_billiard_says_them() {
        assert_eq!(status_words(ExitStatus::from_raw(9)), "signal 9 (SIGKILL)");
        assert_eq!(status_words(ExitStatus::from_raw(11)), "signal 11 (SIGSEGV)");
        assert_eq!(status_words(ExitStatus::from_raw(3 << 8)), "exitcode 3");
    }
}
