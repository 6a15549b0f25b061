//! Python processes: daemons that are called, and clients that call.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::python;

/// How long a process may take to begin, and a client for all it does.
const START: Duration = Duration::from_secs(30);
const RUN: Duration = Duration::from_secs(90);

/// A Pyro5 daemon of its own process, which ends with this.
pub struct Server {
    child: Child,
    /// The URI of the object `thing`.
    pub uri: String,
}

impl Server {
    /// Starts `server.py` with these arguments and environment variables, and waits for the URI that it prints.
    ///
    /// # Panics
    /// Where it prints none, with what it said instead.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_script("server.py", arguments, environment)
    }

    /// The same with another script.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn start_script(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = python::script(name);
        command.args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let said = collect(child.stderr.take());
        let (sender, receiver) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let uri = match receiver.recv_timeout(START) {
            Ok(uri) => uri,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let why = match error {
                    RecvTimeoutError::Timeout => format!("prints no URI within {START:?}"),
                    RecvTimeoutError::Disconnected => "ended before it printed a URI".to_owned(),
                };
                let said = said.lock().unwrap_or_else(PoisonError::into_inner);
                panic!("{name} {} {why}; it said:\n{said}", arguments.join(" "));
            }
        };
        Self { child, uri }
    }

    /// The daemon that all tests of this process share: with Pyro's default settings, on 127.0.0.1. It ends with this
    /// process, which closes its standard input.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[], &[]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that a stream gives, as it comes.
fn collect(stream: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let all = Arc::new(Mutex::new(String::new()));
    let text = all.clone();
    if let Some(stream) = stream {
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&(line + "\n"));
            }
        });
    }
    all
}

/// Runs `client.py` to its end, and gives what it printed.
///
/// # Errors
/// What it said where it failed.
pub async fn client(arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    script("client.py", arguments, environment).await
}

/// Runs one of the scripts, or a module behind `-m `, to its end, and gives what it printed.
///
/// # Errors
/// What it said where it failed.
pub async fn script(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let mut command = tokio::process::Command::from(match name.strip_prefix("-m ") {
        Some(module) => python::module(module),
        None => python::script(name),
    });
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let run = tokio::time::timeout(RUN, command.output()).await;
    let output = match run {
        Ok(output) => output.map_err(|error| error.to_string())?,
        Err(_) => return Err(format!("{name} {} is not done within {RUN:?}", arguments.join(" "))),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!(
        "{name} {}: {}\n{text}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}
