//! [`Args`]: the arguments of a process, each `name=value`.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::Failure;

/// The arguments of a process, each `name=value`.
#[derive(Clone, Debug, Default)]
pub struct Args(BTreeMap<String, String>);

impl Args {
    /// Of what follows the first words of a command line.
    pub fn new(args: impl Iterator<Item = String>) -> Self {
        Self(
            args.filter_map(|arg| arg.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
                .collect(),
        )
    }

    /// The text of an argument.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("the argument {name}= is missing").into())
    }

    /// An argument as a number or whatever else it is; none where it is not given.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let wrong = |text: &String| format!("{name}={text} is wrong");
        self.0.get(name).map(|text| text.parse().map_err(|_| wrong(text).into())).transpose()
    }
}
