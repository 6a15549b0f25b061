//! The table as a document for users, which is checked against the table.

use std::fmt::Write as _;
use std::path::PathBuf;

use interop::python::workspace;

use crate::table::{Direction, Kind, Row, Table};

fn path() -> PathBuf {
    workspace().join("docs/celery.md")
}

/// Writes the document anew.
pub(crate) fn write(table: &Table) {
    std::fs::write(path(), text(table)).unwrap();
    println!("{} is written", path().display());
}

/// Whether the document is as it would be written.
pub(crate) fn compare(table: &Table) -> Result<(), String> {
    let found = std::fs::read_to_string(path()).unwrap_or_default();
    if found == text(table) {
        return Ok(());
    }
    Err("docs/celery.md is of another table: cargo test -p interop --test celery_features -- --document".to_owned())
}

const HEAD: &str = "\
# Celery's features, by broker

What is checked against Celery 5.7 as it runs, by name. This page is written by the program that checks it
(`cargo test -p interop --test celery_features`), and the check fails where it says something else.

*In* is Python's Celery sending to a worker of ours, *out* is a program of ours sending to Celery's worker. **E** is the embedded queue that
`salamander up` has, over kombu's Pyro transport with results by `rpc://`; **R** is Redis for both; **A** is RabbitMQ (AMQP) with `rpc://`.
A dash means that the direction is not checked by this name; a number leads to the reason why a broker cannot do it; *ours* means that it works
between programs of ours there, which is checked too.

";

/// All of it.
fn text(table: &Table) -> String {
    let mut out = HEAD.to_owned();
    let mut reasons: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = table.rows.iter().map(|row| &*row.name).collect();
    let mut known = std::collections::HashSet::new();
    names.retain(|name| known.insert(*name));
    let _ = writeln!(out, "{} features:\n", names.len());
    let mut section = "";
    for name in names {
        let of = |direction| table.rows.iter().find(|row| row.name == name && row.direction == direction);
        let rows = [of(Direction::ToOurs), of(Direction::ToCelery)];
        let ours = of(Direction::Ours);
        let Some(first) = rows.iter().flatten().next().or(ours.as_ref()) else { continue };
        if first.section != section {
            section = first.section;
            let _ = writeln!(
                out,
                "\n## {section}\n\n| | in: E | R | A | out: E | R | A |\n|---|---|---|---|---|---|---|"
            );
        }
        let _ = write!(out, "| {name} |");
        for row in rows {
            for kind in Kind::ALL {
                let _ = write!(out, " {} |", cell(row, ours, kind, &mut reasons));
            }
        }
        out.push('\n');
    }
    out.push_str("\n## Reasons\n\n");
    for (at, reason) in reasons.iter().enumerate() {
        let _ = writeln!(out, "{}. {reason}", at + 1);
    }
    out
}

fn cell<'t>(row: Option<&'t Row>, ours: Option<&Row>, kind: Kind, reasons: &mut Vec<&'t str>) -> String {
    let Some(row) = row else { return "-".to_owned() };
    let Some(reason) = row.reason(kind) else { return "yes".to_owned() };
    let at = reasons.iter().position(|known| *known == reason).unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    });
    match ours.is_some_and(|row| row.reason(kind).is_none()) {
        true => format!("ours ({})", at + 1),
        false => format!("({})", at + 1),
    }
}
