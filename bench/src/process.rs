//! The other processes: how they are started, spoken to and ended.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use salamander_bench_harness::Failure;

use crate::options::Options;

/// Where a system's client and server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// This program.
    Bench,
    /// The program in `peers`.
    Peers,
    /// `python/peer.py`
    Python,
    /// `python/codecs.py`
    PythonCodecs,
    /// `python/connections.py`
    PythonConnections,
    /// `python/xmlrpc_peer.py`
    PythonXmlRpc,
    /// The program in `queues`.
    Queues,
    /// `python/celery_peer.py`
    PythonCelery,
}

/// A process that can be started.
#[derive(Clone, Debug)]
pub struct Spec {
    program: Program,
    args: Vec<String>,
}

impl Spec {
    /// A process of this program.
    pub fn new(program: Program) -> Self {
        Self { program, args: Vec::new() }
    }

    /// The same with one more argument.
    pub fn with(&self, name: &str, value: impl ToString) -> Self {
        let mut spec = self.clone();
        spec.args.push(format!("{name}={}", value.to_string()));
        spec
    }

    fn command(&self, role: &str, options: &Options) -> Result<Command, Failure> {
        let script = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
        let mut command = match self.program {
            Program::Bench => Command::new(std::env::current_exe()?),
            Program::Peers => Command::new(options.peers.as_ref().ok_or("the peers are not built")?),
            Program::Queues => Command::new(options.queues.as_ref().ok_or("the program in queues is not built")?),
            Program::Python
            | Program::PythonCodecs
            | Program::PythonConnections
            | Program::PythonXmlRpc
            | Program::PythonCelery => Command::new(&options.python),
        };
        match self.program {
            Program::Python => command.arg(script("peer.py")),
            Program::PythonCodecs => command.arg(script("codecs.py")),
            Program::PythonConnections => command.arg(script("connections.py")),
            Program::PythonXmlRpc => command.arg(script("xmlrpc_peer.py")),
            Program::PythonCelery => command.arg(script("celery_peer.py")),
            Program::Bench | Program::Peers | Program::Queues => &mut command,
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYRO_")) {
            command.env_remove(name);
        }
        command.arg(role).args(&self.args).env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(command)
    }
}

/// A process that runs until it is dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// How long a process may take beyond the time that it has been given.
const PATIENCE: Duration = Duration::from_secs(60);

impl Process {
    /// Starts it, waits until it is ready, and gives what it says then.
    pub fn start(role: &str, spec: &Spec, options: &Options) -> Result<(Self, String), Failure> {
        let mut command = spec.command(role, options)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let mut process = Self { input: child.stdin.take(), child, lines };
        let ready = process.line(Duration::ZERO)?;
        let ready = ready.strip_prefix("ready").ok_or_else(|| format!("not ready: {ready}"))?;
        Ok((process, ready.trim().to_owned()))
    }

    /// Sends a line and waits for the answer, which takes this long.
    pub fn ask(&mut self, line: &str, taking: Duration) -> Result<String, Failure> {
        let input = self.input.as_mut().ok_or("it is over")?;
        writeln!(input, "{line}")?;
        let answer = self.line(taking)?;
        match answer.strip_prefix("failed ") {
            Some(reason) => Err(reason.into()),
            None => Ok(answer),
        }
    }

    fn line(&mut self, taking: Duration) -> Result<String, Failure> {
        self.lines.recv_timeout(taking + PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => "it hangs".into(),
            RecvTimeoutError::Disconnected => "it ended early".into(),
        })
    }

    /// The CPU time that it has taken so far. The system counts in hundredths of a second.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold anything; user and system time are the 12th and 13th field behind it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 =
            fields.get(11..13).ok_or("/proc/PID/stat is short")?.iter().flat_map(|ticks| ticks.parse::<u64>()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The memory that it has now, in bytes.
    pub fn memory(&self) -> Result<u64, Failure> {
        self.status("VmRSS:")
    }

    /// The most memory that it has had, in bytes.
    pub fn most_memory(&self) -> Result<u64, Failure> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name}"))?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input tells it to end.
        self.input = None;
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            // A look now and then: the standard library cannot wait for a process for so long and no longer.
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
