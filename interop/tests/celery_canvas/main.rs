//! Canvases beside Celery's: how they are composed, how they travel, and what is sent for them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod host;
mod peer;
mod recipes;
mod same;
mod sent;

use serde_json::{Value as Json, json};

use peer::Peer;
use recipes::Random;

/// Patterns that are worth a name; each is composed and sent.
fn named() -> Vec<(&'static str, Json)> {
    let task = |x: i64| json!(["task", ["tasks.any", [x], {}, {}, false]]);
    let or = |a: Json, b: Json| json!(["or", [a, b]]);
    let pair = || json!(["group", [task(1), task(2)]]);
    let triple = || json!(["group", [task(3), task(4), task(5)]]);
    let chord = || json!(["chord", [[task(1), task(2)], task(3)]]);
    let chained = || json!(["chain", [task(6), task(7), task(8)]]);
    vec![
        ("a task alone", task(1)),
        ("task | task", or(task(1), task(2))),
        ("task | task | task", or(or(task(1), task(2)), task(3))),
        ("a chain of ten", json!(["chain", (0..10).map(task).collect::<Vec<_>>()])),
        ("a chain of one", json!(["chain", [task(1)]])),
        ("task | chain", or(task(1), chained())),
        ("chain | task", or(chained(), task(1))),
        ("chain | chain", or(chained(), chained())),
        ("task | group", or(task(1), pair())),
        ("chain | group", or(chained(), pair())),
        ("group", pair()),
        ("group of one", json!(["group", [task(1)]])),
        ("group without members", json!(["group", []])),
        ("group of groups", json!(["group", [pair(), task(9), triple()]])),
        ("group of chains", json!(["group", [chained(), or(task(1), task(2)), task(3)]])),
        ("group of chords", json!(["group", [chord(), chord()]])),
        ("group | task", or(pair(), task(3))),
        ("group of one | task", or(json!(["group", [task(1)]]), task(3))),
        ("group | group", or(pair(), triple())),
        ("group | group | task", or(or(pair(), triple()), task(1))),
        ("group | chain", or(pair(), chained())),
        ("group | chord", or(pair(), chord())),
        ("group without members | task", or(json!(["group", []]), task(1))),
        ("task | group without members", or(task(1), json!(["group", []]))),
        ("chain | group without members", or(chained(), json!(["group", []]))),
        ("task | group of one", or(task(1), json!(["group", [task(2)]]))),
        ("task | group | task", or(or(task(1), pair()), task(2))),
        ("task | group | group", or(or(task(1), pair()), triple())),
        ("task | group | task | task", or(or(or(task(1), pair()), task(2)), task(3))),
        ("task | group | task | group", or(or(or(task(1), pair()), task(2)), triple())),
        ("task | group | task | group | task", or(or(or(or(task(1), pair()), task(2)), triple()), task(9))),
        ("chord", chord()),
        ("chord without a header", json!(["chord", [[], task(3)]])),
        ("chord | task", or(chord(), task(4))),
        ("chord | chain", or(chord(), chained())),
        ("chord | group", or(chord(), pair())),
        ("chord | group of one", or(chord(), json!(["group", [task(1)]]))),
        ("chord | chord", or(chord(), chord())),
        ("task | chord", or(task(1), chord())),
        ("task | chord | task", or(or(task(1), chord()), task(2))),
        ("chord of chains", json!(["chord", [[chained(), chained()], task(1)]])),
        ("chord of chords", json!(["chord", [[chord(), chord()], task(1)]])),
        ("chord of groups", json!(["chord", [[pair(), task(3)], task(1)]])),
        ("chord with a chain as body", json!(["chord", [[task(1), task(2)], chained()]])),
        ("chord with a group as body", json!(["chord", [[task(1), task(2)], pair()]])),
        ("chord with a chord as body", json!(["chord", [[task(1), task(2)], chord()]])),
        ("chord of a chain that ends in a group", json!(["chord", [[or(task(1), pair())], task(1)]])),
        ("chord of a chain with a group in it", json!(["chord", [[or(or(task(1), pair()), task(2))], task(1)]])),
        ("chain of a chord that ends in a chord", or(or(chord(), task(1)), or(pair(), task(2)))),
        ("map", json!(["map", [task(1), [1, 2, 3]]])),
        ("starmap", json!(["starmap", [task(1), [[1, 2], [3, 4]]]])),
        ("chunks", json!(["chunks", [task(1), [[1, 2], [3, 4], [5, 6]], 2]])),
        ("chunks as a group", json!(["chunks as a group", [task(1), [[1, 2], [3, 4], [5, 6]], 2]])),
        ("map in a chain", or(task(1), json!(["map", [task(1), [1, 2]]]))),
        ("chunks in a chain", or(task(1), json!(["chunks", [task(1), [[1, 2]], 2]]))),
        ("chunks in a group", json!(["group", [["chunks", [task(1), [[1, 2], [3, 4]], 1]]]])),
        ("partial", json!(["partial", [task(1), [7, 8]]])),
        ("partial of what is immutable", json!(["partial", [["immutable", [task(1), true]], [7]]])),
        ("partial of a chain", json!(["partial", [chained(), [7]]])),
        ("link", json!(["link", [task(1), task(2)]])),
        ("link twice the same", json!(["link", [["link", [task(1), task(2)]], task(2)]])),
        ("link to a chain", json!(["link", [chained(), task(2)]])),
        ("link to a group", json!(["link", [pair(), task(2)]])),
        ("link to a chord", json!(["link", [chord(), task(2)]])),
        ("link to a chord with a chain as body", json!(["link", [["chord", [[task(1)], chained()]], task(2)]])),
        ("link of a group", json!(["link", [task(1), pair()]])),
        ("link_error", json!(["link_error", [task(1), task(2)]])),
        ("link_error to a chain", json!(["link_error", [chained(), task(2)]])),
        ("link_error to a group", json!(["link_error", [pair(), task(2)]])),
        ("link_error to a chord", json!(["link_error", [chord(), task(2)]])),
        ("link_error to a chord of chords", json!(["link_error", [["chord", [[chord()], task(1)]], task(2)]])),
        ("a chain with links | task", or(json!(["link_error", [["link", [chained(), task(1)]], task(2)]]), task(3))),
        ("options", json!(["set", [task(1), {"queue": "other", "priority": 4, "countdown": 5}]])),
        ("options of a group", json!(["set", [pair(), {"priority": 4}]])),
        ("options of a chord", json!(["set", [chord(), {"priority": 4, "countdown": 3}]])),
        ("options of a chain", json!(["set", [chained(), {"priority": 4}]])),
        ("an immutable chord", json!(["immutable", [chord(), true]])),
        ("an immutable group in a chain", or(task(1), json!(["immutable", [pair(), true]]))),
        ("stamp", json!(["stamp", [task(1), {"team": "blue"}, false]])),
        ("stamp a chain", json!(["stamp", [chained(), {"team": "blue"}, false]])),
        ("stamp a group", json!(["stamp", [pair(), {"team": "blue"}, false]])),
        ("stamp a chord", json!(["stamp", [chord(), {"team": "blue"}, false]])),
        ("stamp a group in a chain", json!(["stamp", [or(or(task(1), pair()), task(2)), {"team": "blue"}, false]])),
        ("stamp twice", json!(["stamp", [["stamp", [chained(), {"team": "blue"}, false]], {"team": "red"}, false]])),
        ("append stamps", json!(["stamp", [["stamp", [chained(), {"team": "blue"}, false]], {"team": "red"}, true]])),
        (
            "append stamps thrice",
            json!(["stamp", [
                ["stamp", [["stamp", [task(1), {"a": 1}, true]], {"a": 2, "b": 1}, true]], {"a": 3}, true
            ]]),
        ),
        ("stamp with a list", json!(["stamp", [["stamp", [task(1), {"a": [1]}, false]], {"a": [2]}, false]])),
        ("stamp links", json!(["stamp", [["link_error", [["link", [task(1), task(2)]], task(3)]], {"a": 1}, false]])),
        ("stamp a link that is a chain", json!(["stamp", [["link", [task(1), chained()]], {"a": 1}, false]])),
        ("stamp a link that is a chord", json!(["stamp", [["link", [task(1), chord()]], {"a": 1}, false]])),
        ("stamp links of a chain", json!(["stamp", [["link", [chained(), task(2)]], {"a": 1}, true]])),
        ("stamp chunks", json!(["stamp", [["chunks", [task(1), [[1, 2], [3, 4]], 1]], {"a": 1}, false]])),
        ("skew", json!(["skew", [triple(), 1.0, null, 1.5]])),
        ("skew up to somewhere", json!(["skew", [triple(), 1.0, 1.5, 0.5]])),
        ("options of chunks", json!(["set", [["chunks", [task(1), [[1, 2], [3, 4]], 1]], {"queue": "other"}]])),
        ("stamp map", json!(["stamp", [["map", [task(1), [1, 2]]], {"a": 1}, false]])),
        ("visit a chain", json!(["visit", [chained(), "everywhere", false]])),
        ("visit a group", json!(["visit", [pair(), "everywhere", false]])),
        ("visit a chord", json!(["visit", [chord(), "everywhere", false]])),
        (
            "visit a chord with links",
            json!(["visit", [["link_error", [["link", [chord(), task(8)]], task(9)]], "everywhere", false]]),
        ),
        ("visit nested groups", json!(["visit", [["group", [pair(), triple()]], "in group", false]])),
        ("visit in turn", json!(["visit", [or(or(task(1), pair()), chained()), "counting", false]])),
        (
            "visit in turn a chord of chords",
            json!(["visit", [["chord", [[chord(), chord()], task(1)]], "counting", false]]),
        ),
        ("visit with options", json!(["visit", [or(task(1), pair()), "options", false]])),
        ("visit what is stamped", json!(["visit", [["stamp", [pair(), {"name_of": 1}, false]], "named", true]])),
        ("travelled", json!(["travelled", [or(or(task(1), pair()), task(2))]])),
        ("a chord that has travelled", json!(["travelled", [["chord", [[chord(), chained()], chained()]]]])),
    ]
}

#[test]
fn canvases_by_name_are_composed_as_celery_composes_them() {
    let mut peer = Peer::start();
    let different: Vec<_> =
        named().iter().filter_map(|(name, recipe)| same::composed(&mut peer, name, recipe)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn canvases_by_chance_are_composed_as_celery_composes_them() {
    let (mut peer, mut random) = (Peer::start(), Random::new(0x6361_6E76));
    let mut different = Vec::new();
    for number in 0..1500 {
        let recipe = random.recipe(5);
        different.extend(same::composed(&mut peer, &format!("number {number}"), &recipe));
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different[..different.len().min(3)].join("\n"));
}

#[tokio::test]
async fn what_is_sent_for_canvases_by_name_is_what_celery_sends() {
    let mut peer = Peer::start();
    let mut different = Vec::new();
    for (name, recipe) in named() {
        different.extend(sent::compared(&mut peer, name, &recipe).await);
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[tokio::test]
async fn what_is_sent_for_canvases_by_chance_is_what_celery_sends() {
    let (mut peer, mut random) = (Peer::start(), Random::new(0x7365_6E74));
    let mut different = Vec::new();
    for number in 0..600 {
        let recipe = random.recipe(4);
        different.extend(sent::compared(&mut peer, &format!("number {number}"), &recipe).await);
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different[..different.len().min(3)].join("\n"));
}

#[tokio::test]
async fn what_a_task_sends_is_what_celerys_task_sends() {
    let mut peer = Peer::start();
    let mut different = Vec::new();
    for how in ["replace", "add", "send"] {
        for (name, recipe) in named() {
            for host in host::hosts(how) {
                different.extend(sent::within(&mut peer, name, &recipe, &host).await);
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different[..different.len().min(9)].join("\n"));
}

#[tokio::test]
async fn what_a_task_sends_by_chance_is_what_celerys_task_sends() {
    let (mut peer, mut random) = (Peer::start(), Random::new(0x7265_706C));
    let mut different = Vec::new();
    for number in 0..200 {
        let recipe = random.recipe(4);
        for how in ["replace", "add", "send"] {
            let host = host::host(how, &mut random);
            different.extend(sent::within(&mut peer, &format!("number {number}"), &recipe, &host).await);
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different[..different.len().min(3)].join("\n"));
}
