//! The side of a child.

use std::io::stdin;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;

use salamander_codec::Codec;
use salamander_object::Outcome;
use salamander_value::Exception;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::frame::{Frame, Left, Order};
use crate::worker::job::{How, Job};
use crate::worker::pool::run::{in_task, on_thread};
use crate::{Error, Kind, Result};

/// The variable of the environment that makes a program a child.
pub(super) const CHILD: &str = "SALAMANDER_TASKS_CHILD";

/// Whether this process is a child of a worker.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs jobs until the parent closes the pipe. `job` makes one out of an order.
///
/// # Errors
/// Where the standard input is not the pipe of a parent.
pub(crate) async fn serve(codec: Codec, job: impl Fn(Order) -> Result<Job, Exception>) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::with_source(Kind::Misuse, format!("{CHILD} is set, but there is no worker: {error}"), error)
    };
    let pipe = Pair::from(stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    pipe.set_nonblocking(true).map_err(failed)?;
    let (mut reading, mut writing) = UnixStream::from_std(pipe).map_err(failed)?.into_split();
    // What reads the standard input must not take from the pipe.
    if let Ok(nothing) = std::fs::File::open("/dev/null") {
        _ = rustix::stdio::dup2_stdin(&nothing);
    }
    // Ctrl-C reaches the whole group; it is the parent that knows what to do.
    let interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    let (frames, mut coming) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok(Some(frame)) = Frame::read(&mut reading).await {
            if frames.send(frame).is_err() {
                return;
            }
        }
        // The parent is gone, or does not want us any more. Nobody would hear what a job comes to.
        std::process::exit(0);
    });
    Frame::Ready.write(&mut writing).await?;
    while let Some(frame) = coming.recv().await {
        let Frame::Job(order) = frame else { continue };
        match job(*order) {
            Ok(job) => run(Arc::new(job), codec, &mut coming, &mut writing).await?,
            Err(exception) => {
                Frame::Began.write(&mut writing).await?;
                Frame::Exception(exception, Left { memory: memory(), ..Left::default() }).write(&mut writing).await?;
            }
        }
    }
    drop(interrupts);
    Ok(())
}

async fn run(
    job: Arc<Job>,
    codec: Codec,
    coming: &mut UnboundedReceiver<Frame>,
    writing: &mut OwnedWriteHalf,
) -> Result<()> {
    Frame::Began.write(writing).await?;
    let running = job.clone();
    let mut ended = match job.known.blocks {
        true => tokio::task::spawn_blocking(move || on_thread(&running, codec)),
        false => tokio::spawn(async move { in_task(&running, codec).await }),
    };
    let how = loop {
        tokio::select! {
            biased;
            how = &mut ended => break how,
            Some(frame) = coming.recv() => {
                if frame == Frame::Soft {
                    job.soft();
                }
            }
        }
    };
    // What was told before the end is stored before it.
    job.context.flush().await;
    let outcome = match how {
        Ok(How::Of(outcome)) => outcome,
        Ok(How::Stopped | How::Lost(_) | How::Expired) => Outcome::Exception(Exception::runtime_error("stopped")),
        Err(error) => Outcome::Exception(Exception::runtime_error(error.to_string())),
    };
    let replacement = job.context.take_replacement().map(|canvas| canvas.to_value());
    let left = || Left { memory: memory(), children: job.context.children(), replacement: replacement.clone() };
    let frame = match outcome {
        Outcome::Value(encoded) => Frame::Value(encoded, left()),
        Outcome::Exception(exception) => Frame::Exception(exception, left()),
        Outcome::Stream(_) => Frame::Exception(Exception::type_error("a task gives no stream of items"), left()),
    };
    match frame.write(writing).await {
        Err(error) if error.kind() == Kind::Misuse => {
            let left = Left { replacement: None, ..left() };
            Frame::Exception(Exception::runtime_error(error.to_string()), left).write(writing).await
        }
        done => done,
    }
}

/// The most memory that this process has had, in KiB; 0 where the system does not tell.
fn memory() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
