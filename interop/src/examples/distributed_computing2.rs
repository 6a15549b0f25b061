//! `distributed-computing2`: words counted by several at once.

use std::collections::HashMap;
use std::time::Duration;

use salamander::Generation;
use salamander::prelude::*;
use tokio::task::JoinSet;

use super::Stage;

/// Words that are of no interest.
const COMMON: &str = "a an at the i he she s but was has had have and are as be by for if in is it of or that to with his all any \
                      this not from on me him her their so you there now then no yes one were they them which what when who how \
                      where some my into up out we us t do";

/// The name of the one that has others count.
pub fn name(generation: Generation) -> &'static str {
    match generation {
        Generation::Pyro5 => "example.dc2.dispatcher",
        Generation::Pyro4 => "example.dc.dispatcher",
    }
}

/// How the names of those that count begin.
fn counters(generation: Generation) -> &'static str {
    match generation {
        Generation::Pyro5 => "example.dc2.wordcount.",
        Generation::Pyro4 => "example.dc.wordcount.",
    }
}

type Counts = HashMap<String, i64>;

struct WordCounter;

#[expose]
impl WordCounter {
    async fn count(&self, lines: Vec<Option<String>>) -> Counts {
        let mut counts = Counts::new();
        for (number, line) in lines.into_iter().enumerate() {
            let line = line.unwrap_or_default().replace(|c: char| c.is_ascii_punctuation(), " ").to_lowercase();
            for word in line.split_whitespace() {
                if word.chars().all(char::is_alphabetic) && !COMMON.split(' ').any(|common| common == word) {
                    *counts.entry(word.to_owned()).or_default() += 1;
                }
            }
            if number % 10 == 0 {
                // The example has this, to show what is gained by several.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        counts
    }
}

struct Dispatcher {
    names: NameServer,
    counters: &'static str,
}

#[expose]
impl Dispatcher {
    async fn count(&self, lines: Vec<String>) -> Result<Counts> {
        let counters = self.names.list_prefix(self.counters).await?;
        let counters = counters.values().map(|counter| Proxy::new(&counter.uri)).collect::<Result<Vec<_>>>()?;
        let mut tasks = JoinSet::new();
        for (chunk, counter) in lines.chunks(200).zip(counters.iter().cycle()) {
            let (chunk, counter) = (chunk.to_vec(), counter.clone());
            tasks.spawn(async move { counter.call::<Counts>("count", (chunk,)).await });
        }
        let mut totals = Counts::new();
        while let Some(counts) = tasks.join_next().await {
            for (word, count) in counts.map_err(std::io::Error::from).map_err(Error::from)?? {
                *totals.entry(word).or_default() += count;
            }
        }
        Ok(totals)
    }
}

/// Serves five that count, and one that has them count.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    for number in 1..=5 {
        let uri = daemon.register_anonymous(WordCounter)?;
        names.register(&format!("{}{number}", counters(stage.generation())), &uri).await?;
    }
    let uri = daemon
        .register_anonymous(Dispatcher { names: stage.names().await?, counters: counters(stage.generation()) })?;
    names.register(name(stage.generation()), &uri).await?;
    daemon.spawn();
    Ok(uri)
}
