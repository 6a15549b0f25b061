//! [`Pair`]: a client and a server that are measured, and how several are measured beside each other.

use std::time::Duration;

use salamander_bench_harness::Failure;

use crate::options::Options;
use crate::process::{Process, Spec};

/// A client and a server.
pub struct Pair {
    name: String,
    running: Result<Running, Failure>,
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
    /// Why there are no figures.
    pub failure: Option<String>,
}

impl Pair {
    /// Starts both. A pair that cannot be started is reported as one that failed.
    pub fn start(name: impl Into<String>, server: &Spec, client: &Spec, options: &Options) -> Self {
        let start = || {
            let (server, address) = Process::start("server", server, options)?;
            let (client, _) = Process::start("client", &client.with("address", address), options)?;
            Ok(Running { client, server })
        };
        Self { name: name.into(), running: start() }
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
}

/// Measures the pairs in turn, round by round, so that whatever else the machine does falls on all of them.
pub fn measure(mut pairs: Vec<Pair>, options: &Options) -> Vec<Measured> {
    let (rounds, duration, warm) = options.repeats();
    let mut measured: Vec<Measured> = pairs
        .iter()
        .map(|pair| Measured { name: pair.name.clone(), rates: Vec::new(), cpus: Vec::new(), failure: None })
        .collect();
    for round in 0..=rounds {
        eprint!("  {}\r", if round == 0 { "warming up   ".to_owned() } else { format!("round {round}/{rounds}   ") });
        for (pair, measured) in pairs.iter_mut().zip(&mut measured) {
            let done = match &mut pair.running {
                Ok(running) if round == 0 => running.run(warm).map(drop),
                Ok(running) => running.run(duration).map(|(rate, cpu)| {
                    measured.rates.push(rate);
                    measured.cpus.push(cpu);
                }),
                Err(_) => Ok(()),
            };
            if let Err(failure) = done {
                pair.running = Err(failure);
            }
            if let (Err(failure), None) = (&pair.running, &measured.failure) {
                eprintln!("  {} failed: {failure}", pair.name);
                measured.failure = Some(failure.to_string());
                measured.rates.clear();
            }
        }
    }
    measured
}

impl Measured {
    /// Operations a second.
    pub fn rate(&self) -> Option<f64> {
        median(&self.rates)
    }

    /// Microseconds of CPU time of both processes for one operation.
    pub fn cpu(&self) -> Option<f64> {
        self.rate().and_then(|_| median(&self.cpus))
    }

    /// How much faster it is than another: the median over the rounds, in each of which both ran shortly after each other.
    pub fn ratio(&self, other: &Self) -> Option<f64> {
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
        let measured =
            |rates: &[f64]| Measured { name: String::new(), rates: rates.into(), cpus: Vec::new(), failure: None };
        assert_eq!(measured(&[10.0, 40.0, 20.0]).ratio(&measured(&[5.0, 10.0, 10.0])), Some(2.0));
        assert_eq!(measured(&[]).ratio(&measured(&[1.0])), None);
    }
}
