//! Celery's features by name: each is a row of a table, checked against the real Celery on each broker that can do it.
//!
//! A row has a direction: Python's Celery sends to our worker (the check is in `python/celery_features`), we send to Celery's worker (the
//! check is here), or both ends are ours, where Python's side of a broker cannot do what ours can. One worker of each kind serves all rows of
//! a broker that need no settings of their own.
//!
//! It speaks like any other test program: names or parts of them choose rows, `--list` lists them, `--skip` leaves out. `--document`
//! writes the table into `docs/celery.md`, which is compared with it otherwise.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod document;
mod notes;
mod ours;
mod python;
mod rows;
mod runner;
mod scene;
mod table;
mod workers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match runner::Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let table = rows::all();
    if options.document {
        document::write(&table);
        return ExitCode::SUCCESS;
    }
    match runner::run(table, &options) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(101),
    }
}
