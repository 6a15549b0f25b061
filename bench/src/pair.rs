//! [`Pair`]: a client and a server that are measured, and how several are measured beside each other.

use std::time::Duration;

use salamander_bench_harness::Failure;

use crate::options::Options;
use crate::process::{Process, Spec};

/// A client and a server.
pub struct Pair {
    name: String,
    server: Spec,
    client: Spec,
}

struct Running {
    client: Process,
    server: Process,
}

/// What was measured of a pair: one figure a round.
#[derive(Debug)]
pub struct Measured {
    pub name: String,
    /// Operations a second.
    rates: Vec<f64>,
    /// Microseconds of CPU time of both processes for one operation.
    cpus: Vec<f64>,
    /// The best round counts, not the one in the middle.
    best: bool,
    /// The most memory that the client and the server have had, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Why there are no figures.
    pub failure: Option<String>,
}

impl Pair {
    pub fn new(name: impl Into<String>, server: &Spec, client: &Spec) -> Self {
        Self { name: name.into(), server: server.clone(), client: client.clone() }
    }

    fn start(&self, options: &Options) -> Result<Running, Failure> {
        let (server, address) = Process::start("server", &self.server, options)?;
        let (client, _) = Process::start("client", &self.client.with("address", address), options)?;
        Ok(Running { client, server })
    }
}

impl Running {
    /// Loads the server for so long; gives the operations a second, and the CPU microseconds for one.
    fn run(&mut self, duration: Duration) -> Result<(f64, f64), Failure> {
        let before = self.cpu()?;
        let answer = self.client.ask(&format!("run {}", duration.as_secs_f64()), duration)?;
        let cpu = self.cpu()? - before;
        let mut words = answer.strip_prefix("done ").ok_or_else(|| format!("not understood: {answer}"))?.split(' ');
        let mut number = || words.next().and_then(|word| word.parse::<f64>().ok()).ok_or("numbers are missing");
        let (operations, seconds) = (number()?, number()?);
        Ok((operations / seconds, cpu.as_secs_f64() * 1e6 / operations))
    }

    fn cpu(&self) -> Result<Duration, Failure> {
        Ok(self.client.cpu()? + self.server.cpu()?)
    }

    fn most_memory(&self) -> Option<(u64, u64)> {
        Some((self.client.most_memory().ok()?, self.server.most_memory().ok()?))
    }
}

/// Measures the pairs in turn, round by round, so that whatever else the machine does falls on all of them. All of them are
/// started before.
pub fn measure(pairs: &[Pair], options: &Options) -> Vec<Measured> {
    let (rounds, duration, warm) = options.repeats();
    let mut all: Vec<Measured> = pairs.iter().map(|pair| Measured::new(pair, false)).collect();
    eprint!("  starting     \r");
    let mut running: Vec<_> = pairs.iter().map(|pair| pair.start(options)).collect();
    for round in 0..=rounds {
        eprint!("  {}\r", if round == 0 { "warming up   ".to_owned() } else { format!("round {round}/{rounds}   ") });
        for (measured, running) in all.iter_mut().zip(&mut running) {
            let done = match running {
                Ok(running) if round == 0 => running.run(warm).map(|_| None),
                Ok(running) => running.run(duration).map(Some),
                Err(failure) => Err(failure.to_string().into()),
            };
            if measured.failure.is_none() {
                measured.take(done);
            }
        }
    }
    for (measured, running) in all.iter_mut().zip(&running) {
        measured.memory = running.as_ref().ok().and_then(Running::most_memory);
    }
    all
}

/// The same for what depends on how a connection happened to begin: each round has new processes, and the best round counts.
pub fn measure_afresh(pairs: &[Pair], options: &Options) -> Vec<Measured> {
    const ROUNDS: usize = 8;
    let (_, duration, warm) = options.repeats();
    let mut all: Vec<Measured> = pairs.iter().map(|pair| Measured::new(pair, true)).collect();
    for round in 1..=ROUNDS {
        eprint!("  round {round}/{ROUNDS}   \r");
        for (pair, measured) in pairs.iter().zip(&mut all).filter(|(_, measured)| measured.failure.is_none()) {
            measured.take(pair.start(options).and_then(|mut running| {
                running.run(warm)?;
                running.run(duration / 2).map(Some)
            }));
        }
    }
    all
}

impl Measured {
    fn new(pair: &Pair, best: bool) -> Self {
        Self { name: pair.name.clone(), rates: Vec::new(), cpus: Vec::new(), best, memory: None, failure: None }
    }

    /// Takes the figures of a round, if it gave any.
    fn take(&mut self, done: Result<Option<(f64, f64)>, Failure>) {
        match done {
            Ok(None) => {}
            Ok(Some((rate, cpu))) => {
                self.rates.push(rate);
                self.cpus.push(cpu);
            }
            Err(failure) => {
                eprintln!("  {} failed: {failure}", self.name);
                self.failure = Some(failure.to_string());
                self.rates.clear();
            }
        }
    }

    /// Operations a second.
    pub fn rate(&self) -> Option<f64> {
        if self.best { self.rates.iter().copied().max_by(f64::total_cmp) } else { median(&self.rates) }
    }

    /// Microseconds of CPU time of both processes for one operation.
    pub fn cpu(&self) -> Option<f64> {
        self.rate()?;
        if self.best { self.cpus.iter().copied().min_by(f64::total_cmp) } else { median(&self.cpus) }
    }

    /// How much faster it is than another: the median over the rounds, in each of which both ran shortly after each other; or
    /// the best round to the best.
    pub fn ratio(&self, other: &Self) -> Option<f64> {
        if self.best {
            return Some(self.rate()? / other.rate()?);
        }
        median(&self.rates.iter().zip(&other.rates).map(|(one, other)| one / other).collect::<Vec<_>>())
    }
}

/// The one of these that is fastest.
pub fn fastest<'a>(measured: impl IntoIterator<Item = &'a Measured>) -> Option<&'a Measured> {
    measured
        .into_iter()
        .filter(|one| one.rate().is_some())
        .max_by(|one, other| one.rate().partial_cmp(&other.rate()).unwrap_or(std::cmp::Ordering::Equal))
}

/// The figure in the middle.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even % 2 == 0 => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_figure_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_of_one_round_each() {
        let measured = |rates: &[f64]| Measured {
            name: String::new(),
            rates: rates.into(),
            cpus: Vec::new(),
            best: false,
            memory: None,
            failure: None,
        };
        assert_eq!(measured(&[10.0, 40.0, 20.0]).ratio(&measured(&[5.0, 10.0, 10.0])), Some(2.0));
        assert_eq!(measured(&[]).ratio(&measured(&[1.0])), None);
    }
}
