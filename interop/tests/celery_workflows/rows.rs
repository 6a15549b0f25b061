//! The patterns of Celery's canvas guide, and what each of them gives.

mod links;
mod nested;
mod results;
mod within;

use serde_json::{Value as Json, json};

/// How many rows the guide has; they come first.
pub(crate) const GUIDE: usize = 78;

/// A canvas, and what it gives.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// How its result is asked for: `get`, `collect` and so on.
    pub(crate) how: &'static str,
    pub(crate) recipe: Json,
    pub(crate) expected: Json,
    /// Tasks by their ids, and what each of them gives.
    pub(crate) watched: Vec<(String, Json)>,
}

fn task(name: &str, args: Json) -> Json {
    json!(["task", [format!("tasks.{name}"), args, {}, {}, false]])
}

fn add(x: i64) -> Json {
    task("add", json!([x]))
}

fn sum(x: i64, y: i64) -> Json {
    task("add", json!([x, y]))
}

fn mul(x: i64) -> Json {
    task("mul", json!([x]))
}

fn xsum() -> Json {
    task("xsum", json!([]))
}

fn same() -> Json {
    task("same", json!([]))
}

fn fail() -> Json {
    task("fail", json!([]))
}

fn or(parts: &[Json]) -> Json {
    let mut parts = parts.iter().cloned();
    let first = parts.next().unwrap();
    parts.fold(first, |left, right| json!(["or", [left, right]]))
}

fn group(tasks: &[Json]) -> Json {
    json!(["group", tasks])
}

fn chain(tasks: &[Json]) -> Json {
    json!(["chain", tasks])
}

fn chord(header: &[Json], body: Json) -> Json {
    json!(["chord", [header, body]])
}

fn immutable(canvas: Json) -> Json {
    json!(["immutable", [canvas, true]])
}

/// What Celery makes of a part that raised `ValueError("broken")`.
fn chord_error() -> Json {
    json!({"raises": "ChordError", "text": "Dependency ID raised ValueError('broken')"})
}

fn broken() -> Json {
    json!({"raises": "ValueError", "text": "broken"})
}

/// So many sums: 0, 2, 4 and so on.
fn numbers(count: i64) -> Vec<Json> {
    (0..count).map(|x| sum(x, x)).collect()
}

/// Rows of which nothing else is to be said.
fn plain(rows: impl IntoIterator<Item = (&'static str, Json, Json)>) -> impl Iterator<Item = Row> {
    let row = |(name, recipe, expected)| Row { name, how: "get", recipe, expected, watched: Vec::new() };
    rows.into_iter().map(row)
}

/// All rows. Ids of tasks that are watched are theirs alone each time.
pub(crate) fn rows() -> Vec<Row> {
    let mut guide = guide();
    guide.extend(links::rows());
    assert_eq!(guide.len(), GUIDE);
    let rows = guide.into_iter().chain(nested::rows()).chain(within::rows());
    rows.chain(results::rows()).collect()
}

/// The guide's own.
fn guide() -> Vec<Row> {
    let rows = [
        ("a signature", sum(2, 2), json!(4)),
        ("a partial", json!(["partial", [add(2), [4]]]), json!(6)),
        ("an immutable signature in a chain", chain(&[sum(1, 1), immutable(sum(4, 4))]), json!(8)),
        ("a chain", chain(&[sum(2, 2), add(4), mul(8)]), json!(64)),
        ("a chain by |", or(&[sum(2, 2), add(4), mul(8)]), json!(64)),
        ("a chain of forty", chain(&[vec![sum(0, 1)], vec![add(1); 39]].concat()), json!(40)),
        ("chains in a chain", chain(&[chain(&[sum(1, 1), add(1)]), chain(&[add(1), add(1)])]), json!(5)),
        ("a task that is retried in a chain", chain(&[sum(1, 1), task("retry", json!([])), add(1)]), json!(3)),
        ("a group", group(&[sum(2, 2), sum(4, 4)]), json!([4, 8])),
        ("a group of one", group(&[sum(2, 2)]), json!([4])),
        ("a group without members", group(&[]), json!([])),
        ("a group of twenty", group(&numbers(20)), json!((0..20).map(|x| x + x).collect::<Vec<i64>>())),
        ("a group of chains", group(&[chain(&[sum(1, 1), add(1)]), chain(&[sum(2, 2), mul(2)])]), json!([3, 8])),
        (
            "a group of a chain that ends in a group",
            group(&[or(&[sum(1, 1), group(&[add(1), add(2)])])]),
            json!([3, 4]),
        ),
        ("a task and a group", or(&[sum(1, 1), group(&[add(1), add(2), mul(5)])]), json!([3, 4, 10])),
        ("a chain and a group", or(&[sum(1, 1), add(1), group(&[add(1), add(2)])]), json!([4, 5])),
        ("a chord", chord(&numbers(5), xsum()), json!(20)),
        ("a chord of one", chord(&[sum(1, 1)], xsum()), json!(2)),
        ("a chord without a header", chord(&[], xsum()), json!(0)),
        ("a chord of fifty", chord(&numbers(50), xsum()), json!(2450)),
        ("a chord keeps the order", chord(&numbers(12), same()), json!((0..12).map(|x| x + x).collect::<Vec<i64>>())),
        ("a chord with an immutable body", chord(&numbers(3), immutable(task("constant", json!([])))), json!(7)),
        ("a group and a task", or(&[group(&[sum(1, 1), sum(2, 2)]), xsum()]), json!(6)),
        ("a group of one and a task", or(&[group(&[sum(1, 1)]), xsum()]), json!(2)),
        ("a group, a task and a task", or(&[group(&[sum(1, 1), sum(2, 2)]), xsum(), add(4)]), json!(10)),
        ("a task, a group and a task", or(&[sum(1, 1), group(&[add(1), add(2)]), xsum()]), json!(7)),
        (
            "tasks and groups in turn",
            or(&[sum(1, 1), group(&[add(1), add(2)]), xsum(), group(&[add(1), mul(2)]), xsum()]),
            json!(22),
        ),
        ("a group and a group", or(&[group(&[sum(1, 1), sum(2, 2)]), group(&[xsum(), same()])]), json!([6, [2, 4]])),
        (
            "a group, a group and a task",
            or(&[group(&[sum(1, 1), sum(2, 2)]), group(&[xsum(), xsum()]), xsum()]),
            json!(12),
        ),
        ("a chord and a task", or(&[chord(&numbers(3), xsum()), add(1)]), json!(7)),
        ("a chord and a chain", or(&[chord(&numbers(3), xsum()), chain(&[add(1), mul(2)])]), json!(14)),
        ("a chord and a group", or(&[chord(&numbers(3), xsum()), group(&[add(1), add(2)])]), json!([7, 8])),
        ("a task and a chord", or(&[sum(1, 1), chord(&[add(1), add(2)], xsum())]), json!(7)),
        ("a task, a chord and a task", or(&[sum(1, 1), chord(&[add(1), add(2)], xsum()), mul(2)]), json!(14)),
        ("a chord with a chain as body", chord(&numbers(3), chain(&[xsum(), add(1), mul(2)])), json!(14)),
        ("a chord with a group as body", chord(&numbers(3), group(&[xsum(), xsum()])), json!([6, 6])),
        ("a chord with a chord as body", chord(&numbers(3), chord(&[xsum(), xsum()], xsum())), json!(12)),
        ("a chord of chains", chord(&[chain(&[sum(1, 1), add(1)]), chain(&[sum(2, 2), mul(2)])], xsum()), json!(11)),
        ("a chord of chords", chord(&[chord(&numbers(3), xsum()), chord(&numbers(4), xsum())], xsum()), json!(18)),
        ("a chord of chords of chords", chord(&[chord(&[chord(&numbers(3), xsum())], xsum())], xsum()), json!(6)),
        ("a chord of groups", chord(&[group(&[sum(1, 1), sum(2, 2)]), sum(3, 3)], xsum()), json!(12)),
        (
            "a chord of chains that end in groups",
            chord(&[or(&[sum(1, 1), group(&[add(1), add(2)])])], same()),
            json!([[3, 4]]),
        ),
        (
            "a chord of chains with groups in them",
            chord(&[or(&[sum(1, 1), group(&[add(1), add(2)]), xsum()]), sum(1, 1)], xsum()),
            json!(9),
        ),
        (
            "a chain with a chord that ends in a chord",
            or(&[chord(&numbers(3), xsum()), group(&[add(1), add(2)]), xsum(), mul(2)]),
            json!(30),
        ),
        ("a group of chords", group(&[chord(&numbers(3), xsum()), chord(&numbers(4), xsum())]), json!([6, 12])),
        ("map", json!(["map", [task("xsum", json!([])), [[1, 2], [3, 4]]]]), json!([3, 7])),
        ("starmap", json!(["starmap", [task("add", json!([])), [[2, 2], [4, 4]]]]), json!([4, 8])),
        ("chunks", json!(["chunks", [task("add", json!([])), [[0, 0], [1, 1], [2, 2]], 2]]), json!([[0, 2], [4]])),
        ("map in a chain", or(&[sum(1, 1), json!(["map", [same(), [1, 2]]]), xsum()]), json!(3)),
        (
            "starmap in a chord",
            chord(&[json!(["starmap", [task("add", json!([])), [[1, 1]]]])], same()),
            json!([[2]]),
        ),
        (
            "accumulate",
            or(&[
                group(&[sum(1, 1), sum(2, 2)]),
                json!(["task", ["celery.accumulate", [], {"index": 0}, {}, false]]),
            ]),
            json!([2, 4]),
        ),
        ("what has travelled", json!(["travelled", [or(&[sum(1, 1), group(&[add(1), add(2)]), xsum()])]]), json!(7)),
        ("a task that fails in a chain", chain(&[sum(1, 1), fail(), add(1), add(1)]), broken()),
        ("a task that fails in a group", group(&[sum(1, 1), fail()]), broken()),
        ("a part that fails", chord(&[sum(1, 1), fail(), sum(2, 2)], xsum()), chord_error()),
        (
            "a part that fails, with more behind the body",
            or(&[chord(&[sum(1, 1), fail()], xsum()), add(1), add(1)]),
            chord_error(),
        ),
        (
            "a part that fails as a chain",
            chord(&[chain(&[sum(1, 1), fail(), add(1)]), sum(1, 1)], xsum()),
            chord_error(),
        ),
        ("a body that fails", chord(&[sum(1, 1)], fail()), broken()),
    ];
    plain(rows).collect()
}
