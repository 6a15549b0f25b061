//! Canvases with callbacks and errbacks, which are watched.

use serde_json::{Value as Json, json};

use super::{Row, add, broken, chain, chord, chord_error, fail, group, immutable, sum, xsum};

/// A task with an id of its own.
pub(super) fn known(name: &str, args: Json) -> (String, Json) {
    let id = uuid::Uuid::new_v4().to_string();
    (id.clone(), json!(["task", [format!("tasks.{name}"), args, {}, {"task_id": id}, false]]))
}

pub(super) fn linked(name: &'static str, kind: &str, canvas: Json, to: (String, Json), gives: [Json; 2]) -> Row {
    let [expected, callback] = gives;
    Row { name, how: "get", recipe: json!([kind, [canvas, to.1]]), expected, watched: vec![(to.0, callback)] }
}

pub(super) fn later(x: i64) -> (String, Json) {
    known("add", json!([x]))
}

pub(super) fn errback() -> (String, Json) {
    known("failed", json!([]))
}

/// One that is linked, with another one around it that keeps its id.
fn within((id, task): (String, Json), around: impl FnOnce(Json) -> Json) -> (String, Json) {
    (id, around(task))
}

pub(super) fn rows() -> Vec<Row> {
    let pair = || chord(&[sum(1, 1), sum(2, 2)], xsum());
    let failing = || chord(&[sum(1, 1), fail()], xsum());
    let failed = || json!("failed");
    vec![
        linked("a callback", "link", sum(2, 2), later(8), [json!(4), json!(12)]),
        linked("a callback of a chain", "link", chain(&[sum(2, 2), add(1)]), later(8), [json!(5), json!(13)]),
        linked("a callback of a chord", "link", pair(), later(8), [json!(6), json!(14)]),
        linked(
            "a callback of a chord with a chain as body",
            "link",
            chord(&[sum(1, 1), sum(2, 2)], chain(&[xsum(), add(1)])),
            later(8),
            [json!(7), json!(15)],
        ),
        linked(
            "a callback of a group, which gets nothing",
            "link",
            group(&[sum(1, 1), sum(2, 2)]),
            known("constant", json!([])),
            [json!([2, 4]), json!(7)],
        ),
        linked(
            "a callback that is a chain",
            "link",
            sum(2, 2),
            within(later(2), |last| chain(&[add(1), last])),
            [json!(4), json!(7)],
        ),
        linked(
            "a callback that is a chord",
            "link",
            sum(2, 2),
            within(known("xsum", json!([])), |body| chord(&[add(1), add(2)], body)),
            [json!(4), json!(11)],
        ),
        linked(
            "a callback in a group",
            "link",
            sum(2, 2),
            within(later(1), |task| group(&[task, add(2)])),
            [json!(4), json!(5)],
        ),
        linked(
            "a callback of a callback",
            "link",
            sum(2, 2),
            within(later(1), |task| json!(["link", [add(1), task]])),
            [json!(4), json!(6)],
        ),
        linked(
            "an immutable callback",
            "link",
            sum(2, 2),
            within(known("add", json!([5, 5])), immutable),
            [json!(4), json!(10)],
        ),
        linked("two callbacks", "link", json!(["link", [sum(2, 2), add(1)]]), later(8), [json!(4), json!(12)]),
        linked("an errback", "link_error", fail(), errback(), [broken(), failed()]),
        linked(
            "an errback of a chain",
            "link_error",
            chain(&[sum(1, 1), fail(), add(1)]),
            errback(),
            [broken(), failed()],
        ),
        linked(
            "an errback of a chain whose first task fails",
            "link_error",
            chain(&[fail(), add(1), add(1)]),
            errback(),
            [broken(), failed()],
        ),
        linked("an errback of a group", "link_error", group(&[fail(), sum(1, 1)]), errback(), [broken(), failed()]),
        linked("an errback of a chord", "link_error", failing(), errback(), [chord_error(), failed()]),
        linked(
            "an errback of a chord with a chain as body",
            "link_error",
            chord(&[fail(), sum(1, 1)], chain(&[xsum(), add(1)])),
            errback(),
            [chord_error(), failed()],
        ),
        linked("an errback of a body", "link_error", chord(&[sum(1, 1)], fail()), errback(), [broken(), failed()]),
        linked(
            "an immutable errback",
            "link_error",
            fail(),
            within(known("constant", json!([])), immutable),
            [broken(), json!(7)],
        ),
        linked(
            "an errback beside a callback",
            "link_error",
            json!(["link", [fail(), add(1)]]),
            errback(),
            [broken(), failed()],
        ),
    ]
}
