//! `salamander call`

use clap::Args;
use salamander::{Answer, Proxy, Value};

use super::World;
use crate::connect::Calling;
use crate::failure::Failure;
use crate::json;
use crate::output::Output;

/// Call a method and print its result
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander call PYRONAME:example.calculator add 2 3
  salamander call PYRONAME:example.greeting get_fortune --kw name=Ada
  salamander call PYRO:test.echoserver@localhost:4711 echo '{\"a\": [1, 2.5, null]}' --json
  salamander call PYRONAME:test.echoserver generator
  salamander call PYRONAME:test.echoserver __getattr__ verbose

Arguments are read as JSON, else as plain text: 5 is a number, \"5\" in JSON's quotes and five are text. Behind -- they \
may begin with a dash. Results are printed as Python shows them, or as JSON with --json. The items of a stream are \
printed as they come. The methods __getattr__ and __setattr__ read and set an attribute by its name.")]
pub(crate) struct Call {
    #[command(flatten)]
    calling: Calling,

    /// The method
    method: String,

    /// Its arguments
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    args: Vec<String>,

    /// An argument by name
    #[arg(long = "kw", value_name = "NAME=ARG", value_parser = keyword)]
    keywords: Vec<(String, String)>,

    /// Do not wait for the result
    #[arg(long, conflicts_with = "stream")]
    oneway: bool,

    /// Print the items of a list one a line too, as those of a stream
    #[arg(long)]
    stream: bool,
}

/// NAME=ARG
fn keyword(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write a name, = and the argument, as in --kw name=Ada".to_owned()),
    }
}

impl Call {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        let proxy = self.calling.connected(&world.config).await?;
        let request = self
            .keywords
            .iter()
            .fold(self.request(&proxy), |request, (name, value)| request.kwarg(name, json::argument(value)));
        if self.oneway {
            return Ok(request.oneway().await?);
        }
        match request.answer::<Value>().await? {
            Answer::Value(response) => match response.value {
                Value::List(items) | Value::Tuple(items) if self.stream => print_all(output, items.iter()),
                Value::Set(items) | Value::FrozenSet(items) if self.stream => print_all(output, items.iter()),
                value => output.value(&value),
            },
            Answer::Items(mut items) => {
                let mut list = output.list();
                loop {
                    match items.next().await {
                        Ok(Some(item)) => list.item(&item)?,
                        Ok(None) => return list.end(),
                        Err(error) => {
                            list.end()?;
                            return Err(error.into());
                        }
                    }
                }
            }
        }
    }

    fn request(&self, proxy: &Proxy) -> salamander::Request {
        proxy.request(&self.method).args(self.args.iter().map(|arg| json::argument(arg)))
    }
}

fn print_all<'a>(output: Output, items: impl Iterator<Item = &'a Value>) -> Result<(), Failure> {
    let mut list = output.list();
    for item in items {
        list.item(item)?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_a_name() {
        assert_eq!(keyword("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(keyword("a="), Ok(("a".to_owned(), String::new())));
        assert!(keyword("a").is_err() && keyword("=a").is_err());
    }
}
