//! The rows as a page for users, which is checked against the rows.

use std::fmt::Write as _;

use interop::python::workspace;
use serde_json::Value as Json;

use crate::rows::rows;

const HEAD: &str = "\
# Canvases that are run, by name

Each of these is built in Python with Celery 5.7 and in Rust, and run by our worker, by Celery's, and by both together: over Redis, and over
RabbitMQ with results in Redis; the first 78 with results in a database as well. Over our own queues Rust builds and runs them. What it gives is the
same everywhere. The page is written by the program that checks it (`cargo test -p interop --test celery_workflows`, with `SALAMANDER_DOCUMENT=1` to
write it anew); over RabbitMQ each is run in one of the three ways there, with `SALAMANDER_SOAK=1` in all.

`add`, `mul`, `xsum`, `same` and `fail` do what they say; `retry` asks twice to be run again; `replaced(c)` has `c` run in its place; `adds(c, x)` adds
`c` to its chord, and `spawns([c, ...], x)` sends them, and both give `x`; `stamps` gives what was stamped on it. Arguments come behind what is handed
over from the task before. Links whose own result is looked at are shown with what they give.

";

#[test]
fn the_page_of_canvases_says_what_is_run() {
    let (path, text) = (workspace().join("docs/canvas.md"), text());
    if std::env::var_os("SALAMANDER_DOCUMENT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/canvas.md is of other rows: SALAMANDER_DOCUMENT=1 writes it anew");
}

#[test]
fn each_row_has_a_name_of_its_own() {
    let rows = rows();
    let names: std::collections::HashSet<&str> = rows.iter().map(|row| row.name).collect();
    assert!(names.len() == rows.len() && rows.len() >= 120, "{} names of {} rows", names.len(), rows.len());
}

fn text() -> String {
    let mut out = HEAD.to_owned();
    let rows = rows();
    let _ = writeln!(out, "{} canvases:\n\n| | canvas | gives |\n|---|---|---|", rows.len());
    for row in rows {
        let how = match row.how {
            "get" => String::new(),
            how => format!(", by `{how}`"),
        };
        let told: Vec<String> = row.watched.iter().map(|(_, gives)| format!("; the link `{gives}`")).collect();
        let canvas = shown(&row.recipe).replace('|', "\\|");
        let _ = writeln!(
            out,
            "| {} | `{canvas}` | `{}`{how}{} |",
            row.name.replace('|', "\\|"),
            row.expected,
            told.concat()
        );
    }
    out
}

/// A recipe as Python has it.
fn shown(recipe: &Json) -> String {
    let rest = &recipe[1];
    let list = |recipes: &Json| {
        let all = recipes.as_array().unwrap();
        let few: Vec<String> = all.iter().take(6).map(shown).collect();
        let more = if all.len() > 6 { format!(", ... ({} in all)", all.len()) } else { String::new() };
        format!("{}{more}", few.join(", "))
    };
    let call = |name: &str, rest: &[String]| format!("{name}({})", rest.join(", "));
    match recipe[0].as_str().unwrap_or_default() {
        "task" => {
            let name = rest[0].as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_owned();
            let mut args: Vec<String> = rest[1].as_array().unwrap().iter().map(argument).collect();
            args.extend(rest[2].as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}")));
            call(&name, &args)
        }
        "or" => {
            let right = shown(&rest[1]);
            let right = if rest[1][0] == "or" { format!("({right})") } else { right };
            format!("{} | {right}", shown(&rest[0]))
        }
        kind @ ("chain" | "group") => format!("{kind}({})", list(rest)),
        "chord" => format!("chord([{}], {})", list(&rest[0]), shown(&rest[1])),
        kind => {
            let name = match kind {
                "chunks as a group" => "chunks_as_group",
                "link_error" => "on_error",
                kind => kind,
            };
            let others =
                rest.as_array().unwrap().iter().skip(1).filter(|other| !other.is_boolean() && !other.is_null());
            let others: Vec<String> = others.map(argument).collect();
            format!("{}.{}", in_brackets(&rest[0]), call(name, &others))
        }
    }
}

fn in_brackets(recipe: &Json) -> String {
    let text = shown(recipe);
    if recipe[0] == "or" { format!("({text})") } else { text }
}

/// An argument, which may be a recipe, or a list of them.
fn argument(value: &Json) -> String {
    let is_recipe = |value: &Json| {
        value.as_array().is_some_and(|parts| parts.len() == 2 && parts[0].is_string() && parts[1].is_array())
    };
    match value.as_array() {
        Some(_) if is_recipe(value) => shown(value),
        Some(items) if items.iter().any(is_recipe) => {
            format!("[{}]", items.iter().map(argument).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}
