//! [`Place`]: where canvases run, and what can be done there.

use salamander_tasks::App;
use serde_json::Value as Json;

use crate::ours;
use crate::recipes;
use crate::rows::Row;

/// A broker and a result backend, by their URLs.
pub(crate) struct Place {
    pub(crate) broker: String,
    pub(crate) backend: String,
    /// Whether parts can be added to chords there.
    adds: bool,
    chords: bool,
    /// So many are sent before any of their results is waited for.
    pub(crate) at_once: usize,
}

/// So few that each of them ends soon, however slow the machine is.
const AT_ONCE: usize = 20;

impl Place {
    pub(crate) fn new(broker: &str, backend: &str) -> Self {
        let place = Self {
            broker: broker.to_owned(),
            backend: backend.to_owned(),
            adds: true,
            chords: true,
            at_once: AT_ONCE,
        };
        let chords = place.app().backend().is_some_and(|backend| backend.chords().is_some());
        let database = backend.starts_with("db+");
        // In a database Celery cannot add to a chord; and it looks once a second only whether a chord is done, so that all run at once.
        Self { adds: chords && !database, chords, at_once: if database { usize::MAX } else { AT_ONCE }, ..place }
    }

    pub(crate) fn app(&self) -> App {
        ours::app(self, &Default::default())
    }

    /// Whether a row can run here.
    pub(crate) fn can(&self, row: &Row) -> bool {
        let recipe = row.recipe.to_string();
        let adds = recipe.contains("tasks.adds") && recipe.contains("\"chord\"");
        (self.chords || !needs_chords(row, &recipe)) && (self.adds || !adds)
    }
}

/// Whether there is a chord in it, or what becomes one: a group with something behind it, and groups that take the place of tasks.
fn needs_chords(row: &Row, recipe: &str) -> bool {
    let replaced =
        recipe.contains("tasks.replaced") && (recipe.contains("\"group\"") || recipe.contains("\"chord\""));
    replaced || begins_chord(&recipes::json(&recipes::made(&row.recipe).to_value()))
}

fn begins_chord(canvas: &Json) -> bool {
    let kind = |canvas: &Json| canvas["subtask_type"].as_str().unwrap_or_default().to_owned();
    let tasks = canvas["kwargs"]["tasks"].as_array().map_or(&[][..], Vec::as_slice);
    let links = ["link", "link_error"].iter().filter_map(|name| canvas["options"][name].as_array()).flatten();
    let last = tasks.len().saturating_sub(1);
    let within = |(at, task): (usize, &Json)| begins_chord(task) || kind(task) == "group" && at < last;
    kind(canvas) == "chord"
        || match &*kind(canvas) {
            "chain" => tasks.iter().enumerate().any(within),
            _ => tasks.iter().any(begins_chord),
        }
        || links.into_iter().any(begins_chord)
}
