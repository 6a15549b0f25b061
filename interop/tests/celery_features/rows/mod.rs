//! The rows, by what they are about.

mod calling;
mod fields;
mod options;
mod outcomes;
mod results;
mod routing;
mod settings;
mod values;

use crate::table::Table;

/// Why kombu's Pyro transport does not do what others do.
pub(crate) const PYRO_BINDINGS: &str =
    "kombu's Pyro transport keeps bindings in each process by itself, so that nobody knows those of others";
pub(crate) const PYRO_FANOUT: &str = "kombu's Pyro transport has no fanout";
pub(crate) const PYRO_PRIORITY: &str = "kombu's Pyro transport has no priorities";
pub(crate) const RPC_OWN: &str = "results that are messages are told to nobody but who sent the task, in Celery too";
pub(crate) const RPC_PLAIN: &str = "results that are messages are not compressed, in Celery neither";

pub(crate) fn all() -> Table {
    let mut table = Table::default();
    calling::rows(&mut table);
    options::rows(&mut table);
    fields::rows(&mut table);
    routing::rows(&mut table);
    outcomes::rows(&mut table);
    results::rows(&mut table);
    settings::rows(&mut table);
    values::rows(&mut table);
    table
}
