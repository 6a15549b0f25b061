//! A worker in a process of its own, whose tasks are acknowledged late and note in a file what they do; tests kill it.
//!
//!     tally URL FILE NAME [SETTING=VALUE]... [stays]
//!
//! Settings are Celery's. With `stays` the task `tally.note` begins and never ends. `interop/python/celery_tally.py` is the same in Python.
//! It says on its standard error output what a worker says, ` ready.` among it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use salamander::prelude::*;
use salamander::tasks::{Worker, WorkerOptions};
use salamander_codec::{Codec, Settings};

type Failure = Box<dyn std::error::Error>;

/// Where tasks note what they do, and by which name.
struct Tally {
    file: File,
    name: String,
    stays: bool,
}

impl Tally {
    /// One line, written at once: others write to the same file.
    fn note(&self, number: i64, what: &str) -> Result<(), Exception> {
        let line = format!("{number} {what} {}\n", self.name);
        Ok((&self.file).write_all(line.as_bytes())?)
    }
}

/// Takes so many milliseconds, and notes then that it is done, and whether its message came before.
#[task(name = "tally.note", acks_late = true)]
async fn note(
    context: &TaskContext,
    tally: State<Tally>,
    number: i64,
    #[default(0)] milliseconds: u64,
) -> Result<i64, Exception> {
    if tally.stays {
        tally.note(number, "begun")?;
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    let again = context.request().delivery_info().redelivered;
    tally.note(number, if again { "again" } else { "done" })?;
    Ok(number)
}

/// Three of a key at once, over all workers: notes when it begins and when it ends. Without milliseconds it does not end.
#[task(name = "tally.place", acks_late = true, limit_key = "{key}", limit_concurrency = 3)]
async fn place(
    tally: State<Tally>,
    number: i64,
    key: String,
    #[default(None)] milliseconds: Option<u64>,
) -> Result<i64, Exception> {
    tally.note(number, &format!("in-{key}"))?;
    match milliseconds {
        Some(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
        None => std::future::pending().await,
    }
    tally.note(number, &format!("out-{key}"))?;
    Ok(number)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("which {what}?"));
    let (url, file, name) = (next("URL")?, next("file")?, next("name")?);
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    // Queues elsewhere may have nothing that all share.
    let shares = url.starts_with("redis") || url.starts_with("pyro");
    let mut app = App::builder().broker_url(url).task(note);
    if shares {
        app = app.task(place);
    }
    let mut options = WorkerOptions::default();
    options.name = name.clone().into();
    let mut stays = false;
    for argument in arguments {
        match argument.split_once('=') {
            Some((setting, value)) => {
                // What is no JSON is text.
                let value = Codec::Json
                    .decode_value(&value.to_owned().into(), &Settings::default())
                    .unwrap_or_else(|_| Value::from(value));
                let mut set = Ok(());
                app = app.configure(|settings| set = settings.set(setting, value));
                set?;
            }
            None if argument == "stays" => stays = true,
            None => return Err(format!("what is {argument}?").into()),
        }
    }
    let app = app.state(Tally { file, name, stays }).build()?;
    Worker::new(app.clone(), options).run().await?;
    app.broker().close().await?;
    Ok(())
}
