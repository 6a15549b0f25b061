//! What the program shows of workflows.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use interop::python;
use salamander_tasks::Workflow;
use salamander_tasks::canvas::{chord, group};
use salamander_tasks::workflow::State;
use serde_json::Value as Json;

use crate::programs::{outcome, run, salamander};
use crate::working::{Door, Place, Working, is, task, until, without_ids};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_is_followed_to_its_end() {
    for place in Place::all() {
        let door = Arc::<Door>::default();
        let app = place.app(&door);
        let _worker = Working::start(&app);
        // Not every backend counts the parts of chords.
        let chords = app.backend().unwrap().chords().is_some();
        let header = [task("add", (1,)), task("add", (2,))];
        let canvas = match chords {
            true => task("hold", (1,)) | chord(header, task("xsum", ())),
            false => task("hold", (1,)) | group(header),
        };
        let all = if chords { 4 } else { 3 };
        let mut workflow = Workflow::send(canvas, &app).await.unwrap();
        until(&mut workflow, "it has begun", |tree| is(tree, "hold", State::Started)).await;
        // What is not sent yet is known as well, by the id of the result as by that of the first task.
        let first = workflow.tree().tasks().next().unwrap().id.clone().unwrap();
        for id in [workflow.id().to_owned(), first.to_string()] {
            let text = run(&mut place.program(&id, &["--once"]));
            let lines = without_ids(&text);
            assert!(lines[1].starts_with("├─ STARTED tasks.hold at "), "{text}");
            let expected: &[&str] = match chords {
                true => &[
                    "└─ chord",
                    "├─ group",
                    "│ ├─ PENDING tasks.add",
                    "│ └─ PENDING tasks.add",
                    "└─ PENDING tasks.xsum",
                    "STARTED: 0 of 4 have ended, 1 running, 3 waiting",
                ],
                false => &[
                    "└─ group",
                    "├─ PENDING tasks.add",
                    "└─ PENDING tasks.add",
                    "STARTED: 0 of 3 have ended, 1 running, 2 waiting",
                ],
            };
            assert_eq!(lines[2..].iter().map(|line| squeezed(line)).collect::<Vec<_>>(), expected, "{text}");
        }
        let shown: Json =
            serde_json::from_str(&run(&mut place.program(workflow.id(), &["--once", "--json"]))).unwrap();
        assert_eq!(
            (&shown["state"], &shown["counts"]["waiting"], &shown["whole"]),
            (&"STARTED".into(), &(all - 1).into(), &true.into())
        );
        let dot = run(&mut place.program(workflow.id(), &["--dot"]));
        assert!(dot.starts_with("digraph workflow {") && dot.contains("tasks.hold\\nSTARTED"), "{dot}");
        // Not a terminal: it is printed with each change.
        let svg =
            std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("workflow-{}.svg", workflow.id()));
        let mut command = place.program(workflow.id(), &["--svg", svg.to_str().unwrap()]);
        let mut following = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("STARTED: 0 of ")), "it is shown before it goes on");
        door.open();
        let lines: Vec<String> = lines.collect();
        assert_eq!(lines.last(), Some(&format!("SUCCESS: {all} of {all} have ended")), "{lines:?}");
        assert!(following.wait().unwrap().success());
        let svg_text = std::fs::read_to_string(&svg).unwrap();
        assert_eq!(svg_text.matches(">SUCCESS<").count(), all, "{svg_text}");
        let _ = std::fs::remove_file(&svg);
        if chords {
            assert_eq!(workflow.result().unwrap().get::<i64>().await.unwrap(), 5);
        }
        failures(&place, &app).await;
    }
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What fails, what is found from one task on, and what there is not.
async fn failures(place: &Place, app: &salamander_tasks::App) {
    let failing = Workflow::send(task("fail", ()) | task("add", (1,)), app).await.unwrap();
    let (ok, out, err) = outcome(&mut place.program(failing.id(), &[]), "");
    assert!(!ok && err.contains("tasks have failed") && out.contains("FAILURE  tasks.fail"), "{out}{err}");
    // Sent in the ordinary way, it is known what a task has led to.
    let sending = app.send_task("tasks.send", ()).await.unwrap();
    sending.wait().await.unwrap();
    let (ok, out, err) = outcome(&mut place.program(sending.id(), &[]), "");
    assert!(ok, "{out}{err}");
    let lines = without_ids(&out);
    assert_eq!(
        lines[lines.len() - 4..],
        ["SUCCESS tasks.send", "├─ SUCCESS tasks.add", "└─ SUCCESS tasks.add", "SUCCESS: 3 of 3 have ended"]
    );
    if let Place::Own(_) = place {
        let (ok, out, err) = outcome(&mut place.program("no-such-task", &[]), "");
        assert!(!ok && out.is_empty() && err.contains("there is no task no-such-task"), "{out}{err}");
    }
}

#[test]
fn where_nobody_answers_that_is_said() {
    let args = ["tasks", "workflow", "x", "-b", "redis://127.0.0.1:1", "--result-backend", "redis://127.0.0.1:1"];
    let output = salamander(&args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    let output = salamander(&["tasks", "workflow", "x", "-b", "redis://127.0.0.1:1"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("--result-backend"), "{told}");
}

/// What Python has sent and our worker runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_of_pythons_is_drawn_from_its_first_task_on() {
    let Some(redis) = interop::servers::Redis::start(&[]) else { return };
    let place = Place::Redis(redis);
    let app = place.app(&Arc::default());
    let _worker = Working::start(&app);
    let sent = run(python::script("celery_trees.py").args(["send", &place.broker()]));
    let ids: Vec<&str> = sent.split_whitespace().collect();
    for (id, expected) in [
        (
            ids[0],
            &[
                "chain",
                "├─ SUCCESS tasks.add",
                "├─ SUCCESS tasks.add",
                "└─ SUCCESS tasks.add",
                "SUCCESS: 3 of 3 have ended",
            ][..],
        ),
        (ids[1], &["SUCCESS tasks.add", "SUCCESS: 1 of 1 have ended"]),
        (
            ids[2],
            &[
                "SUCCESS tasks.add",
                "└─ group",
                "   ├─ SUCCESS tasks.add",
                "   └─ SUCCESS tasks.add",
                "SUCCESS: 3 of 3 have ended",
            ],
        ),
    ] {
        let text = run(&mut place.program(id, &[]));
        let lines: Vec<String> = without_ids(&text).iter().map(|line| squeezed(line)).collect();
        let expected: Vec<String> = expected.iter().map(|line| squeezed(line)).collect();
        assert_eq!(lines[lines.len() - expected.len()..], expected, "{text}");
    }
}

/// All ids that are given before sending are those that run, whatever the shape.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_task_that_is_drawn_runs() {
    for place in Place::all() {
        let app = place.app(&Arc::default());
        let _worker = Working::start(&app);
        let add = |x: i64| task("add", (x,));
        let mut canvases = vec![
            task("add", (1, 1)).into(),
            task("add", (1, 1)) | add(2) | add(3),
            group([task("add", (1, 1)), task("add", (2, 2))]),
            group([task("add", (1, 1)) | add(1), group([task("add", (2, 2)), task("add", (3, 3))])]),
            task("add", (1, 1)).link(add(5)).into(),
        ];
        if app.backend().unwrap().chords().is_some() {
            canvases.extend([
                chord([task("add", (1, 1)), task("add", (2, 2))], task("xsum", ())),
                chord([task("add", (1, 1)) | add(1), task("add", (2, 2)).into()], task("xsum", ()) | add(1)),
                task("add", (1, 1)) | group([add(1), add(2)]) | task("xsum", ()) | group([add(1), add(2)]),
            ]);
        }
        for canvas in canvases {
            let shown = format!("{canvas:?}");
            let mut workflow = Workflow::send(canvas, &app).await.unwrap();
            until(&mut workflow, &shown, |tree| tree.counts().is_over()).await;
            assert_eq!(workflow.tree().outcome(), State::Success, "{shown}\n{}", workflow.tree().to_text());
        }
    }
}
