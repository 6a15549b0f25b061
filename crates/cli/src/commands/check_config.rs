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

  salamander check-config --config settings.toml

Each setting is an environment variable with PYRO_ before its name, or a line of a TOML file, as in `ns_port = 9191`, which \
--config or the variable SALAMANDER_CONFIG names. Variables go before the file.

They mean what they mean to Pyro5, but for these, which are read, checked and shown so that settings can be shared:
  SERVERTYPE           any number of connections is served by few threads, which is what both kinds are for
  THREADPOOL_SIZE      limits connections only where it has been set: connections need no threads here
  THREADPOOL_SIZE_MIN  no threads are kept waiting
  DETAILED_TRACEBACK   nobody knows the values of local variables while a program runs
  SOCK_NODELAY         small packets are sent without delay unless it has been set to no")]
pub(crate) struct CheckConfig {}

impl CheckConfig {
    pub(crate) fn run(self, world: World) -> Result<(), Failure> {
        let World { config, output, .. } = world;
        config.dump().lines().try_for_each(|line| output.line(line))?;
        output.document(Dict::from_iter([
            ("version", Value::from(env!("CARGO_PKG_VERSION"))),
            ("settings", config.as_dict().into()),
        ]))
    }
}
