//! Canvases in canvases, the shapes of Celery's own integration tests among them.

use serde_json::{Value as Json, json};

use super::{
    Row, add, broken, chain, chord, chord_error, fail, group, immutable, mul, numbers, or, plain, same, sum, task,
    xsum,
};

fn with_keyword(args: Json, y: i64) -> Json {
    json!(["task", ["tasks.add", args, {"y": y}, {}, false]])
}

fn with(canvas: Json, options: Json) -> Json {
    json!(["set", [canvas, options]])
}

pub(super) fn rows() -> Vec<Row> {
    chains().chain(groups()).chain(chords()).chain(failures()).collect()
}

fn chains() -> impl Iterator<Item = Row> {
    plain([
        ("a chain of one", chain(&[sum(2, 2)]), json!(4)),
        ("a chain of a group", chain(&[group(&[sum(1, 1), sum(2, 2)])]), json!([2, 4])),
        ("a chain of a hundred", chain(&[vec![sum(0, 1)], vec![add(1); 99]].concat()), json!(100)),
        (
            "chains in chains in chains",
            chain(&[chain(&[chain(&[sum(1, 1)]), add(1)]), chain(&[chain(&[mul(2)])])]),
            json!(6),
        ),
        ("a group in the middle of a chain", chain(&[sum(1, 1), group(&[add(1), add(2)]), xsum(), add(1)]), json!(8)),
        ("a group behind a chain of chains", chain(&[chain(&[sum(1, 1)]), group(&[add(1), mul(3)])]), json!([3, 6])),
        ("a group alone in chains", chain(&[chain(&[group(&[sum(1, 1), sum(2, 2)])])]), json!([2, 4])),
        ("a group first in a chain", chain(&[group(&[sum(1, 1), sum(2, 2)]), same()]), json!([2, 4])),
        ("a group of one in the middle of a chain", or(&[sum(1, 1), group(&[add(1)]), add(1)]), json!(4)),
        ("immutable tasks all along", chain(&[sum(1, 1), immutable(sum(2, 2)), immutable(sum(3, 3))]), json!(6)),
        ("keyword arguments", with_keyword(json!([1]), 2), json!(3)),
        ("keyword arguments in a chain", chain(&[sum(1, 1), with_keyword(json!([]), 5)]), json!(7)),
        ("a chain with options", with(chain(&[sum(1, 1), add(1)]), json!({"priority": 3})), json!(3)),
        ("a chain of tasks with options", chain(&[sum(1, 1), with(add(1), json!({"priority": 2}))]), json!(3)),
        (
            "starmap and a task",
            or(&[json!(["starmap", [task("add", json!([])), [[1, 1], [2, 2]]]]), xsum()]),
            json!(6),
        ),
        (
            "a chain in a travelled chain",
            chain(&[json!(["travelled", [chain(&[sum(1, 1), add(1)])]]), add(1)]),
            json!(4),
        ),
    ])
}

fn groups() -> impl Iterator<Item = Row> {
    let pair = || group(&[sum(1, 1), sum(2, 2)]);
    plain([
        ("a group of one group", group(&[pair()]), json!([2, 4])),
        ("a group of a task and a group", group(&[sum(3, 3), pair()]), json!([6, 2, 4])),
        ("a group of one chain", group(&[chain(&[sum(1, 1), add(1)])]), json!([3])),
        (
            "a group of a chain with a group in it",
            group(&[or(&[sum(1, 1), group(&[add(1), add(2)]), xsum()]), sum(2, 2)]),
            json!([7, 4]),
        ),
        (
            "a group of a chord and a chain",
            group(&[chord(&numbers(3), xsum()), chain(&[sum(1, 1), mul(5)])]),
            json!([6, 10]),
        ),
        (
            "three groups and a task",
            or(&[pair(), group(&[xsum(), xsum()]), group(&[xsum(), xsum()]), xsum()]),
            json!(24),
        ),
        (
            "a task, a group and a group",
            or(&[sum(1, 1), group(&[add(1), add(2)]), group(&[xsum(), xsum()])]),
            json!([7, 7]),
        ),
        ("a group in a chain, immutable", or(&[sum(1, 1), immutable(group(&[sum(2, 2), sum(3, 3)]))]), json!([4, 6])),
        ("a group with options", with(pair(), json!({"priority": 2})), json!([2, 4])),
        (
            "a group of tasks with options",
            group(&[with(sum(1, 1), json!({"priority": 2})), sum(2, 2)]),
            json!([2, 4]),
        ),
        ("map in a group", group(&[json!(["map", [same(), [1, 2]]]), sum(1, 1)]), json!([[1, 2], 2])),
        ("a task that is retried in a group", group(&[task("retry", json!([3])), sum(1, 1)]), json!([3, 2])),
        (
            "chunks of one",
            json!(["chunks", [task("add", json!([])), [[0, 0], [1, 1], [2, 2]], 1]]),
            json!([[0], [2], [4]]),
        ),
        (
            "chunks as a group and a task",
            or(&[json!(["chunks as a group", [task("add", json!([])), [[0, 0], [1, 1], [2, 2]], 2]]), same()]),
            json!([[0, 2], [4]]),
        ),
        ("a group that starts bit by bit", json!(["skew", [pair(), 0.1, null, 0.1]]), json!([2, 4])),
    ])
}

fn chords() -> impl Iterator<Item = Row> {
    let three = || numbers(3);
    let twice = || or(&[group(&[add(1), add(1)]), xsum()]);
    let nine: Vec<Json> = [sum(0, 1)].into_iter().chain((0..9).map(|_| twice())).collect();
    let chains = |count: i64| (0..count).map(|x| chain(&[sum(x, x), add(1)])).collect::<Vec<_>>();
    plain([
        ("a chord of one chain", chord(&[chain(&[sum(1, 1), add(1)])], xsum()), json!(3)),
        ("a chord of ten chains", chord(&chains(10), xsum()), json!(100)),
        (
            "a chord of a chord with a chain as body",
            chord(&[chord(&three(), chain(&[xsum(), add(1)]))], xsum()),
            json!(7),
        ),
        ("a chord of a chord and a task", chord(&[chord(&three(), xsum()), sum(5, 5)], xsum()), json!(16)),
        (
            "a chord with a group of chains as body",
            chord(&three(), group(&[chain(&[xsum(), add(1)]), chain(&[xsum(), mul(2)])])),
            json!([7, 12]),
        ),
        (
            "a chord with a chain that ends in a group as body",
            chord(&three(), or(&[xsum(), group(&[add(1), add(2)])])),
            json!([7, 8]),
        ),
        (
            "a chord with a chain with a group in it as body",
            chord(&three(), or(&[xsum(), group(&[add(1), add(2)]), xsum()])),
            json!(15),
        ),
        (
            "a chord with a chord of chains as body",
            chord(&three(), chord(&[chain(&[xsum(), add(1)]), chain(&[xsum(), mul(2)])], xsum())),
            json!(19),
        ),
        (
            "a chord in the chain of a body",
            chord(&numbers(2), or(&[xsum(), chord(&[add(1), add(2)], xsum()), mul(2)])),
            json!(14),
        ),
        ("nine chords in a row", or(&nine), json!(1534)),
        (
            "chords in a chain",
            chain(&[chord(&[sum(1, 1), sum(2, 2)], xsum()), chord(&[add(1), add(2)], xsum())]),
            json!(15),
        ),
        (
            "a chord, a chord and a task",
            or(&[chord(&[sum(1, 1), sum(2, 2)], xsum()), chord(&[add(1), add(2)], xsum()), mul(2)]),
            json!(30),
        ),
        (
            "a chord, three tasks and a group",
            or(&[chord(&three(), xsum()), add(1), mul(2), add(1), group(&[add(1), add(2)])]),
            json!([16, 17]),
        ),
        (
            "a chord, a task and a group",
            or(&[chord(&three(), xsum()), add(1), group(&[add(1), add(2)])]),
            json!([8, 9]),
        ),
        ("a chord, a group and a task", or(&[chord(&three(), xsum()), group(&[add(1), add(2)]), xsum()]), json!(15)),
        (
            "an immutable chord in a chain",
            or(&[sum(1, 1), immutable(chord(&[sum(1, 1), sum(2, 2)], xsum()))]),
            json!(6),
        ),
        (
            "keyword arguments in a chord",
            chord(&[with_keyword(json!([1]), 2), with_keyword(json!([3]), 4)], xsum()),
            json!(10),
        ),
        ("a chord with options", with(chord(&three(), xsum()), json!({"priority": 3})), json!(6)),
        ("map in a chord", chord(&[json!(["map", [same(), [1, 2]]])], same()), json!([[1, 2]])),
        ("a part that is retried", chord(&[task("retry", json!([3])), sum(1, 1)], xsum()), json!(5)),
        ("a body that is retried", chord(&three(), task("retry", json!([]))), json!([0, 2, 4])),
        (
            "a chord of chords that has travelled",
            json!(["travelled", [chord(&[chord(&three(), xsum()), sum(1, 1)], chain(&[xsum(), add(1)]))]]),
            json!(9),
        ),
        (
            "a chord of groups in groups",
            chord(&[group(&[group(&[sum(1, 1), sum(2, 2)]), sum(3, 3)])], xsum()),
            json!(12),
        ),
        (
            "a chord of chords of chords of chords",
            chord(&[chord(&[chord(&[chord(&three(), xsum())], xsum())], xsum())], xsum()),
            json!(6),
        ),
    ])
}

fn failures() -> impl Iterator<Item = Row> {
    plain([
        ("the first task of a chain fails", chain(&[fail(), add(1), add(1)]), broken()),
        ("the last task of a chain fails", chain(&[sum(1, 1), fail()]), broken()),
        ("a task fails in a group in a chain", or(&[sum(1, 1), group(&[fail(), add(1)])]), broken()),
        ("a part fails in a chain", or(&[sum(1, 1), chord(&[fail(), add(1)], xsum()), add(1)]), chord_error()),
        (
            "a part fails in a group in a header",
            chord(&[group(&[sum(1, 1), fail()]), sum(1, 1)], xsum()),
            chord_error(),
        ),
        ("a part fails, with a chain as body", chord(&[fail(), sum(1, 1)], chain(&[xsum(), add(1)])), chord_error()),
        ("a part fails that is the last of a chain", chord(&[chain(&[sum(1, 1), fail()])], xsum()), chord_error()),
        ("all parts fail but the last", chord(&[fail(), sum(1, 1)], same()), chord_error()),
        ("a body fails in the middle of a chain", or(&[chord(&numbers(3), fail()), add(1)]), broken()),
        ("a chain fails in a group", group(&[chain(&[sum(1, 1), fail(), add(1)]), sum(1, 1)]), broken()),
        ("map fails", json!(["map", [task("fail", json!([])), [1, 2]]]), broken()),
    ])
}
