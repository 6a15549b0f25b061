//! A task that runs, and sends something in its own place, for its chord, or just so.

use salamander_codec::{Args, Codec};
use salamander_macros::task;
use salamander_object::{Outcome, Started};
use salamander_tasks::task::TaskRequest;
use salamander_tasks::{App, TaskContext};
use salamander_value::{Exception, Str};
use salamander_wire::celery::{Embed, Serializer, TaskBody, TaskHeaders, TaskMessage, settings};
use serde_json::{Value as Json, json};

use crate::recipes::{self, Random, made, value};

/// What is asked of a task, and with what request it runs.
pub(crate) struct Host {
    pub(crate) how: &'static str,
    pub(crate) request: Json,
}

/// Sends what the recipe says, and gives the id of what comes of it.
#[task(crate = "salamander_tasks::__private", name = "tasks.sends")]
pub(crate) async fn sends(context: &TaskContext, how: String, recipe: String) -> Result<Option<String>, Exception> {
    let canvas = made(&serde_json::from_str(&recipe).unwrap());
    let app = context.app().unwrap();
    let raised = |error: salamander_tasks::Error| Exception::runtime_error(error.to_string());
    let sent = match &*how {
        "replace" => {
            context.replacement(canvas).map_err(raised)?.send(app).await.map_err(raised)?;
            return Ok(None);
        }
        "add" => context.add_to_chord(canvas).await,
        _ => canvas.send(app).await,
    };
    let sent = sent.map_err(raised)?;
    Ok(Some(sent.id().to_owned()).filter(|id| !id.is_empty()))
}

impl Host {
    /// Has our task do it: the id of what comes of it, and what it has for children.
    pub(crate) async fn run(&self, app: &App, recipe: &Json) -> Result<(Json, Json), String> {
        let text = |name: &str| self.request[name].as_str().map(Str::from);
        let mut headers = TaskHeaders::new("tasks.sends", text("id").unwrap());
        (headers.group, headers.root_id) = (text("group"), text("root_id"));
        headers.group_index = self.request["group_index"].as_i64();
        headers.replaced_task_nesting = self.request["replaced_task_nesting"].as_u64().unwrap().try_into().unwrap();
        let embedded = |name: &str| value(&self.request[name]);
        let embed = Embed {
            callbacks: embedded("callbacks"),
            errbacks: embedded("errbacks"),
            chain: embedded("chain"),
            chord: embedded("chord"),
            ..Embed::default()
        };
        let positional = vec![self.how.into(), recipe.to_string().into()];
        let arguments = Args { positional, ..Args::default() };
        let body = TaskBody::encode(Serializer::Json, &arguments, &embed, &settings()).unwrap();
        let context = TaskContext::new(app.clone(), TaskRequest::new(TaskMessage::new(headers, body), "here"));
        let object = app.registry().get("tasks.sends").unwrap();
        let outcome = match context.run(&object, Codec::Json) {
            Started::Done(outcome) => outcome,
            Started::Waits(pending) => pending.await,
        };
        let id = match outcome {
            Outcome::Value(encoded) => recipes::json(&encoded.decode(&settings()).unwrap()),
            Outcome::Exception(exception) => return Err(exception.to_string()),
            Outcome::Stream(_) => return Err("a stream".to_owned()),
        };
        let children = match self.how {
            "send" => context.children().iter().map(|child| recipes::json(&child.to_value())).collect(),
            _ => Vec::new(),
        };
        Ok((id, children.into()))
    }
}

fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A task as it travels in the message of another one.
fn frozen(name: &str) -> Json {
    let options = json!({"task_id": id(), "reply_to": id()});
    recipes::json(&made(&json!(["task", [name, [], {}, options, false]])).to_value())
}

/// Requests that are worth a name.
pub(crate) fn hosts(how: &'static str) -> Vec<Host> {
    let empty = || {
        json!({
            "id": id(), "root_id": id(), "group": null, "group_index": null, "replaced_task_nesting": 0,
            "callbacks": null, "errbacks": null, "chain": null, "chord": null, "called_directly": false,
        })
    };
    let with = |changes: &[(&str, Json)]| {
        let mut request = empty();
        changes.iter().for_each(|(name, value)| request[*name] = value.clone());
        Host { how, request }
    };
    let task = || frozen("tasks.any");
    let chord = || [("chord", task()), ("group", json!(id())), ("group_index", json!(3))];
    vec![
        with(&[]),
        with(&[("chain", json!([task(), frozen("other.task")])), ("replaced_task_nesting", json!(2))]),
        with(&[&chord()[..], &[("callbacks", json!([task()])), ("errbacks", json!([task()]))]].concat()),
        with(&[("chain", json!([task()])), ("callbacks", json!([task(), task()])), ("errbacks", json!([task()]))]),
    ]
}

/// One by chance.
pub(crate) fn host(how: &'static str, random: &mut Random) -> Host {
    let mut hosts = hosts(how);
    let at = random.below(hosts.len() as u64);
    hosts.swap_remove(usize::try_from(at).unwrap())
}
