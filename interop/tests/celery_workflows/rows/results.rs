//! Results, asked for in each way that there is; and stamps, as tasks see them.

use serde_json::{Value as Json, json};

use super::{Row, add, chain, chord, fail, group, immutable, numbers, or, plain, same, sum, task, xsum};

fn asked(name: &'static str, how: &'static str, recipe: Json, expected: Json) -> Row {
    Row { name, how, recipe, expected, watched: Vec::new() }
}

/// A task that gives a number, and sends these.
fn spawns(x: i64, what: &[Json]) -> Json {
    task("spawns", json!([what, x]))
}

fn stamps() -> Json {
    task("stamps", json!([]))
}

fn stamped(canvas: Json) -> Json {
    json!(["stamp", [canvas, {"team": "blue"}, false]])
}

fn visited(canvas: Json, by: &str) -> Json {
    json!(["visit", [canvas, by, false]])
}

pub(super) fn rows() -> Vec<Row> {
    let pair = || group(&[sum(1, 1), sum(2, 2)]);
    let results = [
        asked("a group, joined", "join", pair(), json!([2, 4])),
        asked("a group, joined as it comes", "join_native", group(&numbers(5)), json!([0, 2, 4, 6, 8])),
        asked("the members of a group as they come", "completed", group(&numbers(5)), json!([0, 2, 4, 6, 8])),
        asked("a group, kept and found again", "saved", pair(), json!([[2, 4], null])),
        asked(
            "a group with a group behind it, kept",
            "saved",
            or(&[sum(1, 1), group(&[add(1), add(2)])]),
            json!([[3, 4], null]),
        ),
        asked("a group as a tuple", "tuple", pair(), json!([2, 4])),
        asked("a chain as a tuple", "tuple", chain(&[sum(1, 1), add(1)]), json!(3)),
        asked("a chord as a tuple", "tuple", chord(&numbers(3), xsum()), json!(6)),
        asked("what a chain's parents gave", "parents", chain(&[sum(1, 1), add(1), add(2)]), json!([2, 3, 5])),
        asked(
            "what a chord's header gave",
            "parents",
            or(&[sum(1, 1), group(&[add(1), add(2)]), xsum()]),
            json!([2, [3, 4], 7]),
        ),
        asked("how far a group is", "counted", pair(), json!([true, true, false, false, 2])),
        asked(
            "how far a group is that fails",
            "counted",
            group(&[sum(1, 1), fail()]),
            json!([true, false, true, false, 1]),
        ),
        asked("all that a task sent", "collect", spawns(5, &[sum(1, 1), sum(2, 2)]), json!([5, 2, 4])),
        asked("all that a task sent, a group", "collect", spawns(5, &[pair()]), json!([5, [2, 4], 2, 4])),
        asked(
            "all that tasks sent that a task sent",
            "collect",
            spawns(1, &[spawns(2, &[sum(1, 1)]), sum(3, 3)]),
            json!([1, 2, 6, 2]),
        ),
        asked(
            "all that a chain led to",
            "collect from the first",
            chain(&[sum(1, 1), add(1), add(2)]),
            json!([2, 3, 5]),
        ),
        asked("the last of what a task led to", "leaf", spawns(1, &[spawns(2, &[sum(4, 4)])]), json!(8)),
        asked("a result that is forgotten", "forgotten", sum(1, 1), json!([2, "PENDING"])),
    ];
    let blue = || json!({"team": "blue"});
    let stamped = plain([
        ("a stamp", stamped(stamps()), blue()),
        ("stamps of a chain", stamped(chain(&[sum(1, 1), stamps()])), blue()),
        ("stamps of a group", stamped(group(&[stamps(), stamps()])), json!([blue(), blue()])),
        ("stamps of a header", stamped(chord(&[stamps(), stamps()], same())), json!([blue(), blue()])),
        ("no stamps of a body", stamped(chord(&[sum(1, 1)], stamps())), json!({})),
        (
            "stamps of a body by a visitor",
            visited(chord(&[sum(1, 1)], stamps()), "named"),
            json!({"name_of": "tasks.stamps"}),
        ),
        (
            "stamps by a visitor who knows of groups",
            visited(group(&[stamps()]), "in group"),
            json!([{"in_group": true}]),
        ),
        (
            "stamps one after the other",
            visited(chain(&[sum(1, 1), add(2), immutable(stamps())]), "counting"),
            json!({"monitoring_id": 3}),
        ),
        (
            "stamps in a list",
            json!(["stamp", [stamped(stamps()), {"team": "red"}, true]]),
            json!({"team": ["red", "blue"]}),
        ),
        ("a stamped task, replaced", stamped(task("replaced", json!([stamps()]))), json!({})),
    ]);
    results.into_iter().chain(stamped).collect()
}
