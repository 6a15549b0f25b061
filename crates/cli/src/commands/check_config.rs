//! `salamander check-config`

use clap::Args;
use salamander::{Dict, Value};

use super::World;
use crate::failure::Failure;

/// Show the settings in force (output as pyro5-check-config)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  salamander check-config
  PYRO_NS_PORT=9191 salamander check-config --json

Each setting is an environment variable with PYRO_ before its name.")]
pub(crate) struct CheckConfig {}

impl CheckConfig {
    pub(crate) fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        output.line(config.dump())?;
        output.document(Dict::from_iter([
            ("version", Value::from(env!("CARGO_PKG_VERSION"))),
            ("settings", config.as_dict().into()),
        ]))
    }
}
