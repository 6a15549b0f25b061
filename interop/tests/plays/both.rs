//! Clients that are run twice: against the example's own server and against ours. What they print has to be the same.

use std::time::{Duration, Instant};

use interop::examples::{Ended, Program, Stage};
use salamander::Generation;
use salamander::prelude::*;

use crate::GENERATION;

/// A stage for the programs of this file of tests.
pub(crate) async fn new_stage() -> Stage {
    Stage::of(GENERATION, &[]).await
}

/// The same with settings for its servers in Rust.
pub(crate) async fn stage_with(settings: &[(&str, &str)]) -> Stage {
    Stage::of(GENERATION, settings).await
}

/// What differs between the generations.
pub(crate) fn either<T>(pyro5: T, pyro4: T) -> T {
    match GENERATION {
        Generation::Pyro5 => pyro5,
        Generation::Pyro4 => pyro4,
    }
}

/// How an example is played.
#[derive(Clone, Copy)]
pub(crate) struct Play<'a> {
    /// Its folder.
    pub(crate) example: &'a str,
    /// How its own server is started.
    pub(crate) server: &'a [&'a str],
    /// The name under which the server is found, where it is not by the URI that it prints.
    pub(crate) name: Option<&'a str>,
    /// How its client is started.
    pub(crate) client: &'a [&'a str],
    /// What is typed for the client; `URI` stands for the URI of the server.
    pub(crate) input: &'a str,
    /// The settings of our server.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// What of the output may differ is made alike by this.
    pub(crate) alike: fn(&str) -> String,
    /// How the client ends.
    pub(crate) code: i32,
}

impl<'a> Play<'a> {
    /// `server.py` and `client.py`, by the URI.
    pub(crate) fn of(example: &'a str) -> Self {
        let (server, client): (&[&str], &[&str]) = (&["server.py"], &["client.py"]);
        Self { example, server, name: None, client, input: "URI\n", settings: &[], alike: str::to_owned, code: 0 }
    }

    /// `server.py` and `client.py`, by a name.
    pub(crate) fn named(example: &'a str, name: &'a str) -> Self {
        Self { name: Some(name), input: "", ..Self::of(example) }
    }

    /// The settings of our server.
    pub(crate) fn settings(self, settings: &'a [(&'a str, &'a str)]) -> Self {
        Self { settings, ..self }
    }

    /// What is typed for the client.
    pub(crate) fn input(self, input: &'a str) -> Self {
        Self { input, ..self }
    }

    /// Other programs than `server.py` and `client.py`.
    pub(crate) fn programs(self, server: &'a [&'a str], client: &'a [&'a str]) -> Self {
        Self { server, client, ..self }
    }

    /// What may differ.
    pub(crate) fn alike(self, alike: fn(&str) -> String) -> Self {
        Self { alike, ..self }
    }

    /// The client ends in failure.
    pub(crate) fn failing(self) -> Self {
        Self { code: 1, ..self }
    }

    /// Plays it with both servers, and compares what the client prints. Gives that, and the stage of our server.
    pub(crate) async fn same(self, ours: impl AsyncFnOnce(&Stage) -> Result<Uri>) -> (Ended, Stage) {
        // Side by side: most of the examples sleep more than they work.
        let ((printed, stage), theirs) = tokio::join!(self.ours(ours), self.theirs());
        let both = [&printed, &theirs].map(|ended| (self.alike)(&ended.printed));
        assert_eq!(both[0], both[1], "{}: ours and Python's\n{}{}", self.example, printed.told, theirs.told);
        (printed, stage)
    }

    /// Plays it with our server alone, where the other one shows nothing more.
    pub(crate) async fn ours(self, ours: impl AsyncFnOnce(&Stage) -> Result<Uri>) -> (Ended, Stage) {
        let stage = stage_with(self.settings).await;
        let uri = ours(&stage).await.unwrap();
        (self.client(&stage, &uri.to_string()).await, stage)
    }

    async fn theirs(&self) -> Ended {
        let stage = new_stage().await;
        let server = Program::start(&stage, self.example, self.server);
        let uri = match self.name {
            Some(name) => {
                registered(&stage, name, &server).await;
                String::new()
            }
            None => server.uri().await,
        };
        self.client(&stage, &uri).await
    }

    async fn client(&self, stage: &Stage, uri: &str) -> Ended {
        let mut client = Program::start(stage, self.example, self.client);
        client.input(&self.input.replace("URI", uri)).await;
        let mut ended = client.end().await;
        assert_eq!(ended.code, Some(self.code), "{}\n{}{}", self.example, ended.printed, ended.told);
        if !uri.is_empty() {
            ended.printed = ended.printed.replace(uri, "URI");
        }
        ended
    }
}

/// Waits until a server has registered a name.
pub(crate) async fn registered(stage: &Stage, name: &str, server: &Program) {
    let names = stage.names().await.unwrap();
    let begun = Instant::now();
    while names.lookup(name).await.is_err() {
        let told = format!("{}{}", server.printed.text(), server.told.text());
        assert!(begun.elapsed() < Duration::from_secs(30), "{name} is not registered\n{told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every number is like every other: digits, also those of hexadecimal ones and of ids.
pub(crate) fn numbers(text: &str) -> String {
    let mut alike = String::with_capacity(text.len());
    let word = |part: &str| {
        let hexadecimal = part.strip_prefix("0x").or(part.strip_prefix("obj_")).unwrap_or(part);
        let id = hexadecimal.len() >= 3 && hexadecimal.chars().all(|c| c.is_ascii_hexdigit());
        if part.starts_with(|c: char| c.is_ascii_digit()) || (id && part.contains(|c: char| c.is_ascii_digit())) {
            "#".to_owned()
        } else {
            part.to_owned()
        }
    };
    let mut part = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            part.push(c);
            continue;
        }
        alike += &word(&std::mem::take(&mut part));
        alike.push(c);
    }
    alike + &word(&part)
}

/// As [`numbers`]; and the words of each line in any order.
pub(crate) fn words(text: &str) -> String {
    let line = |line: &str| {
        let word = |c: char| !c.is_alphanumeric() && !"#_'".contains(c);
        let mut words: Vec<&str> = line.split(word).filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        words.join(" ")
    };
    numbers(text).lines().map(line).collect::<Vec<_>>().join("\n")
}
