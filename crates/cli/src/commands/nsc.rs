//! `salamander nsc`

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use clap::{Args, ValueEnum};
use salamander::naming::Change;
use salamander::{Args as Arguments, Dict, Kind, NameServer, Registration, Set, Value};

use super::World;
use crate::failure::Failure;
use crate::output::Output;
use crate::tls::ClientTls;

/// Control a name server (flags, commands and output as pyro5-nsc)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander nsc list
  salamander nsc register example.thing PYRO:thing@localhost:4711
  salamander nsc setmeta example.thing colour:red size:large
  salamander nsc yplookup_all colour:red
  salamander nsc -n otherhost -p 9090 remove example.thing
  salamander nsc -n otherhost --tls-ca server.pem list

Commands and their arguments:
  list [PREFIX]            all names, or those that begin so
  listmatching REGEX       the names that an expression matches
  lookup NAME              the URI and metadata of a name
  register NAME URI        register a new name
  remove NAME              remove a name
  removematching REGEX     remove all names that an expression matches
  setmeta NAME [TAG]...    replace the metadata of a name
  yplookup_all TAG...      the names that have all of these tags
  yplookup_any TAG...      the names that have any of these tags
  watch [PREFIX]           the changes of all names, or of those that begin so, until Ctrl-C
  ping                     see whether the name server answers")]
pub(crate) struct Nsc {
    /// The host of the name server [default: looked for on this machine, then by broadcast]
    #[arg(short = 'n', long)]
    host: Option<String>,

    /// The port of the name server; without a host that for broadcasts, too
    #[arg(short, long)]
    port: Option<u16>,

    /// The Unix domain socket of the name server
    #[arg(short, long, value_name = "FILE")]
    unixsocket: Option<String>,

    /// Do not ask before many names are removed
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    tls: ClientTls,

    /// What to do
    #[arg(value_enum)]
    command: Action,

    /// Its arguments
    #[arg(value_name = "ARG")]
    args: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "lowercase")]
enum Action {
    List,
    Lookup,
    Register,
    Remove,
    Removematching,
    Listmatching,
    #[value(name = "yplookup_all")]
    YplookupAll,
    #[value(name = "yplookup_any")]
    YplookupAny,
    Setmeta,
    Watch,
    Ping,
}

impl Nsc {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        let told = |line: String| if world.verbose > 0 { output.line(line) } else { Ok(()) };
        self.check()?;
        told("Locating name server...".to_owned())?;
        let host = self.unixsocket.as_ref().map(|path| format!("./u:{path}")).or(self.host.clone());
        let located = NameServer::locate_with(host.as_deref(), self.port, self.tls.config(&world.config)).await;
        let names = located.map_err(|error| match error.kind() {
            Kind::Naming | Kind::Connection | Kind::Deadline => Failure::nobody(error),
            _ => error.into(),
        })?;
        told(format!("Name server found: {}", names.proxy().uri()))?;
        self.act(&names, output).await.map_err(|failure| match failure {
            // As Pyro's tool says it: the class, a dash, the message.
            Failure::Raised(exception) if !output.is_json() => {
                Failure::failed(format!("{} - {}", exception.class_name(), exception.message()))
            }
            other => other,
        })?;
        told("Done.".to_owned())
    }

    /// Whether the command has the arguments that it needs.
    fn check(&self) -> Result<(), Failure> {
        let (fits, needs) = match self.command {
            Action::Ping => (self.args.is_empty(), "takes no arguments"),
            Action::List | Action::Watch => (self.args.len() <= 1, "takes at most one argument: prefix"),
            Action::Lookup | Action::Remove => (self.args.len() == 1, "requires one argument: name"),
            Action::Listmatching | Action::Removematching => (self.args.len() == 1, "requires one argument: pattern"),
            Action::Register => (self.args.len() == 2, "requires two arguments: name uri"),
            Action::Setmeta => (!self.args.is_empty(), "requires arguments: name and zero or more meta tags"),
            Action::YplookupAll | Action::YplookupAny => {
                (!self.args.is_empty(), "requires at least one metadata tag argument")
            }
        };
        let command = self.command.to_possible_value();
        let command = command.as_ref().map_or("", |value| value.get_name());
        if fits { Ok(()) } else { Err(Failure::usage(format!("{command} {needs}"))) }
    }

    async fn act(&self, names: &NameServer, output: Output) -> Result<(), Failure> {
        let first = self.args.first().map_or("", String::as_str);
        match self.command {
            Action::Ping => {
                names.ping().await?;
                output.line("Name server ping ok.")?;
                output.document(Dict::from_iter([("ping", "ok")]))
            }
            Action::List if first.is_empty() => print(output, "", &names.list().await?),
            Action::List => print(output, &format!("- prefix '{first}'"), &names.list_prefix(first).await?),
            Action::Listmatching => print(output, &format!("- regex '{first}'"), &names.list_regex(first).await?),
            Action::YplookupAll => print(output, SEARCHED, &names.with_all(self.args.clone()).await?),
            Action::YplookupAny => print(output, SEARCHED, &names.with_any(self.args.clone()).await?),
            Action::Lookup => {
                let (uri, metadata) = names.lookup_with_metadata(first).await?;
                output.line(&uri)?;
                if !metadata.is_empty() {
                    output.line(format_args!("metadata: {}", set(&metadata)))?;
                }
                output.document(described(&uri.to_string(), &metadata))
            }
            Action::Register => {
                // As text, so that the name server keeps it, or refuses it, as it stands.
                let args = Arguments {
                    positional: self.args.iter().map(|arg| arg.as_str().into()).collect(),
                    keywords: Dict::from_iter([("safe", true)]),
                };
                names.proxy().call::<Value>("register", args).await?;
                output.line(format_args!("Registered {first}"))?;
                output.document(Dict::from_iter([("registered", first)]))
            }
            Action::Watch => watch(names, first, output).await,
            Action::Remove => {
                let count = names.remove(first).await?;
                output.line(if count > 0 { format!("Removed {first}") } else { "Nothing removed".to_owned() })?;
                output.document(Dict::from_iter([("removed", count)]))
            }
            Action::Removematching => {
                if !self.yes && !sure(output)? {
                    return output.document(Dict::from_iter([("removed", 0)]));
                }
                let count = names.remove_regex(first).await?;
                output.line(format_args!("{count} items removed."))?;
                output.document(Dict::from_iter([("removed", count)]))
            }
            Action::Setmeta => {
                let tags: BTreeSet<String> = self.args[1..].iter().cloned().collect();
                names.set_metadata(first, tags.clone()).await?;
                output.line(if tags.is_empty() { "Metadata cleared" } else { "Metadata updated" })?;
                output.document(Dict::from_iter([("metadata", list(&tags))]))
            }
        }
    }
}

/// Prints changes as they come: a line each, or a document each.
async fn watch(names: &NameServer, prefix: &str, output: Output) -> Result<(), Failure> {
    let mut changes = names.watch(prefix).await?;
    // Whoever reads this knows from here on that nothing is missed.
    output.line(format_args!("watching {}", names.proxy().uri()))?;
    while let Some(change) = changes.next().await? {
        match &change {
            Change::Name { event, name, uri, metadata } => {
                output.line(format_args!("{event} {name} --> {uri}"))?;
                if !metadata.is_empty() {
                    output.line(format_args!("    metadata: {}", set(metadata)))?;
                }
            }
            Change::Missed { count } => output.line(format_args!("missed {count} changes"))?,
            _ => {}
        }
        output.document(Value::from(change))?;
    }
    Ok(())
}

const SEARCHED: &str = " - searched by metadata";

/// Prints registrations as Pyro's tool does.
fn print(output: Output, title: &str, names: &BTreeMap<String, Registration>) -> Result<(), Failure> {
    output.line(format_args!("--------START LIST {title}"))?;
    for (name, Registration { uri, metadata }) in names {
        output.line(format_args!("{name} --> {uri}"))?;
        if !metadata.is_empty() {
            output.line(format_args!("    metadata: {}", set(metadata)))?;
        }
    }
    output.line(format_args!("--------END LIST {title}"))?;
    output.document(
        names
            .iter()
            .map(|(name, Registration { uri, metadata })| (name.as_str(), described(uri, metadata)))
            .collect::<Dict>(),
    )
}

fn described(uri: &str, metadata: &BTreeSet<String>) -> Dict {
    Dict::from_iter([("uri", Value::from(uri)), ("metadata", list(metadata))])
}

/// Tags as Python prints a set of them.
fn set(tags: &BTreeSet<String>) -> Value {
    tags.iter().map(String::as_str).collect::<Set>().into()
}

fn list(tags: &BTreeSet<String>) -> Value {
    tags.iter().map(String::as_str).collect::<Vec<_>>().into()
}

/// Asks the user. No answer is no.
fn sure(output: Output) -> Result<bool, Failure> {
    const QUESTION: &str = "Potentially removing lots of items from the Name server. Are you sure (y/n)?";
    if output.is_json() {
        write!(io::stderr(), "{QUESTION}")?;
    } else {
        let mut out = io::stdout().lock();
        write!(out, "{QUESTION}")?;
        out.flush()?;
    }
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed(format!("cannot read the answer: {error}; --yes does not ask")))?;
    Ok(matches!(answer.trim(), "y" | "Y"))
}
