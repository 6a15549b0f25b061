//! `salamander meta`

use clap::Args;
use salamander::{Dict, Value};

use super::World;
use crate::connect::Calling;
use crate::failure::Failure;

/// Show what an object exposes: its methods, one-way methods and attributes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander meta PYRONAME:test.echoserver
  salamander meta PYRO:Pyro.NameServer@localhost:9090 --json")]
pub(crate) struct Meta {
    #[command(flatten)]
    calling: Calling,
}

impl Meta {
    pub(crate) async fn run(self, world: World) -> Result<(), Failure> {
        let output = world.output;
        let proxy = self.calling.connected(&world.config).await?;
        let metadata = proxy.metadata().await?;
        let kinds = [("methods", &metadata.methods), ("oneway", &metadata.oneway), ("attributes", &metadata.attrs)];
        for (kind, names) in &kinds {
            output.line(format_args!("{kind}:"))?;
            for name in *names {
                output.line(format_args!("  {name}"))?;
            }
        }
        output.document(kinds.into_iter().map(|(kind, names)| (kind, Value::from(names.clone()))).collect::<Dict>())
    }
}
