//! Tasks that others take the place of, that add to their chord, and that send others.

use serde_json::{Value as Json, json};

use super::links::{errback, known, later, linked};
use super::{
    Row, add, broken, chain, chord, chord_error, fail, group, immutable, numbers, or, plain, same, sum, task, xsum,
};

/// A task in whose place this runs.
fn replaced(by: Json) -> Json {
    task("replaced", json!([by]))
}

/// A task that gives a number, and adds something to its chord.
fn adds(x: i64, what: Json) -> Json {
    task("adds", json!([what, x]))
}

pub(super) fn rows() -> Vec<Row> {
    alone().chain(in_others()).chain(linked_ones()).chain(added()).collect()
}

fn two() -> Json {
    chain(&[sum(1, 1), add(1)])
}

fn pair() -> Json {
    group(&[sum(1, 1), sum(2, 2)])
}

fn alone() -> impl Iterator<Item = Row> {
    let empty = json!({"raises": "ImproperlyConfigured", "text": "Cannot replace with an empty chain"});
    plain([
        ("replaced by a task", replaced(sum(2, 2)), json!(4)),
        ("replaced by a chain", replaced(two()), json!(3)),
        ("replaced by a group", replaced(pair()), json!([2, 4])),
        ("replaced by a group of one", replaced(group(&[sum(1, 1)])), json!([2])),
        ("replaced by a chord", replaced(chord(&numbers(3), xsum())), json!(6)),
        (
            "replaced by a chord with a chain as body",
            replaced(chord(&numbers(3), chain(&[xsum(), add(1)]))),
            json!(7),
        ),
        (
            "replaced by a chain that ends in a group",
            replaced(or(&[sum(1, 1), group(&[add(1), add(2)])])),
            json!([3, 4]),
        ),
        ("replaced by a chain with a group in it", replaced(or(&[sum(1, 1), pair_of_adds(), xsum()])), json!(7)),
        ("replaced by what is replaced", replaced(replaced(sum(1, 1))), json!(2)),
        ("how often it was replaced", replaced(replaced(task("nesting", json!([])))), json!(2)),
        ("replaced by what fails", replaced(fail()), broken()),
        ("replaced by an empty chain", replaced(chain(&[])), empty),
    ])
}

fn pair_of_adds() -> Json {
    group(&[add(1), add(2)])
}

fn in_others() -> impl Iterator<Item = Row> {
    plain([
        ("the first of a chain replaced by a chain", chain(&[replaced(two()), add(1)]), json!(4)),
        ("one in a chain replaced by a chain", chain(&[sum(1, 1), replaced(two()), add(1)]), json!(4)),
        ("the last of a chain replaced by a chain", chain(&[sum(1, 1), replaced(two())]), json!(3)),
        (
            "one in a chain replaced by a task that gets what it got",
            chain(&[sum(1, 1), replaced(add(5)), add(1)]),
            json!(8),
        ),
        ("one in a chain replaced by a group", chain(&[replaced(pair()), xsum()]), json!(6)),
        ("one in a chain replaced by a chord", chain(&[replaced(chord(&numbers(3), xsum())), add(1)]), json!(7)),
        (
            "two in a chain replaced",
            chain(&[replaced(sum(1, 1)), replaced(add(1)), replaced(add(1)), add(1)]),
            json!(5),
        ),
        ("one in a chain replaced twice", chain(&[sum(1, 1), replaced(replaced(add(3))), add(1)]), json!(6)),
        ("one in a group replaced by a chain", group(&[replaced(two()), sum(2, 2)]), json!([3, 4])),
        ("one in a group replaced by a group", group(&[replaced(pair()), sum(2, 2)]), json!([[2, 4], 4])),
        (
            "one in a group replaced by a chord",
            group(&[replaced(chord(&numbers(3), xsum())), sum(1, 1)]),
            json!([6, 2]),
        ),
        ("a part replaced by a task", chord(&[replaced(sum(2, 2)), sum(1, 1)], xsum()), json!(6)),
        ("a part replaced by a chain", chord(&[replaced(two()), sum(1, 1)], xsum()), json!(5)),
        ("a part replaced by a chord", chord(&[replaced(chord(&numbers(3), xsum())), sum(1, 1)], xsum()), json!(8)),
        ("a part replaced by a group", chord(&[replaced(pair()), sum(1, 1)], same()), json!([[2, 4], 2])),
        ("all parts replaced", chord(&[replaced(two()), replaced(sum(2, 2))], same()), json!([3, 4])),
        ("a part that is a chain, its first replaced", chord(&[chain(&[replaced(two()), add(1)])], xsum()), json!(4)),
        (
            "a part that is a chain, its last replaced",
            chord(&[chain(&[sum(1, 1), replaced(two())])], xsum()),
            json!(3),
        ),
        ("a body replaced by a task", chord(&numbers(3), replaced(xsum())), json!(6)),
        ("a body replaced by a chain", chord(&numbers(3), replaced(two())), json!(3)),
        ("a body replaced by a chord", chord(&numbers(3), replaced(immutable(chord(&numbers(2), xsum())))), json!(2)),
        (
            "a body that is a chain, its first replaced",
            chord(&numbers(3), chain(&[replaced(xsum()), add(1)])),
            json!(7),
        ),
        (
            "a body that is a chain, its last replaced",
            chord(&numbers(3), chain(&[xsum(), replaced(add(1))])),
            json!(7),
        ),
        (
            "one in a group in a chain replaced",
            or(&[sum(1, 1), group(&[replaced(add(1)), add(2)]), xsum()]),
            json!(7),
        ),
        ("a part replaced by what fails", chord(&[replaced(fail()), sum(1, 1)], xsum()), chord_error()),
    ])
}

fn linked_ones() -> impl Iterator<Item = Row> {
    [
        linked("one with a callback replaced", "link", replaced(sum(1, 1)), later(8), [json!(2), json!(10)]),
        linked("one with a callback replaced by a chain", "link", replaced(two()), later(8), [json!(3), json!(11)]),
        linked(
            "one with a callback replaced by a group",
            "link",
            replaced(pair()),
            known("xsum", json!([])),
            [json!([2, 4]), json!(6)],
        ),
        linked(
            "one with a callback replaced by a chord",
            "link",
            replaced(chord(&numbers(3), xsum())),
            later(1),
            [json!(6), json!(7)],
        ),
        linked(
            "one with an errback replaced by what fails",
            "link_error",
            replaced(fail()),
            errback(),
            [broken(), json!("failed")],
        ),
        linked(
            "one with an errback replaced by a chain that fails",
            "link_error",
            replaced(chain(&[sum(1, 1), fail(), add(1)])),
            errback(),
            [broken(), json!("failed")],
        ),
        linked(
            "one with an errback replaced by a chord that fails",
            "link_error",
            replaced(chord(&[fail(), sum(1, 1)], xsum())),
            errback(),
            [chord_error(), json!("failed")],
        ),
    ]
    .into_iter()
}

fn added() -> impl Iterator<Item = Row> {
    let nowhere = json!({"raises": "ValueError", "text": "Current task is not member of any chord"});
    plain([
        ("a part adds a task", chord(&[adds(1, sum(2, 2)), sum(1, 1)], xsum()), json!(7)),
        ("a part adds a chain", chord(&[adds(1, two()), sum(1, 1)], xsum()), json!(6)),
        ("a part adds a chord", chord(&[adds(1, chord(&numbers(3), xsum())), sum(1, 1)], xsum()), json!(9)),
        ("two parts add", chord(&[adds(1, sum(2, 2)), adds(2, sum(3, 3))], xsum()), json!(13)),
        ("what was added adds", chord(&[adds(1, adds(2, sum(1, 1))), sum(1, 1)], xsum()), json!(7)),
        ("a task adds to no chord", adds(1, sum(2, 2)), nowhere),
    ])
}
