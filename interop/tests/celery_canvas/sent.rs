//! What is sent for a canvas, message by message, and what the backend hears of its chords.

use std::sync::{Arc, Mutex};

use salamander_macros::task;
use salamander_tasks::backend::{
    Backend, Begun, Broken, Capabilities, Chords, Claim, Counted, Expected, Found, Part, Update,
};
use salamander_tasks::broker::{Broker, Memory, Queue, Topology};
use salamander_tasks::{App, Waits};
use salamander_value::{Dict, Value};
use salamander_wire::celery::{Message, ResultMeta};
use serde_json::{Value as Json, json};

use crate::host::{Host, sends};
use crate::peer::Peer;
use crate::recipes::{self, made};
use crate::same::{self, Names};

#[task(crate = "salamander_tasks::__private", name = "tasks.any", typing = false)]
fn any(#[args] rest: Vec<Value>, #[kwargs] named: Dict) -> usize {
    rest.len() + named.len()
}

/// Sends a recipe in both languages; what is different.
pub(crate) async fn compared(peer: &mut Peer, name: &str, recipe: &Json) -> Option<String> {
    if recipes::is_chunks_with_options(recipe) {
        return None;
    }
    // With a backend that counts chords, and with one for which Celery's own task goes on with them.
    for unlocks in [false, true] {
        let theirs = peer.ask(&json!({"recipe": recipe, "send": true, "unlock": unlocks}));
        let different = told_apart(name, recipe, theirs, ours(recipe, None, unlocks).await);
        if different.is_some() {
            return different;
        }
    }
    None
}

/// The same by a task that runs: in its place (`replace`), as a further part of its chord (`add`), or for nothing else (`send`).
pub(crate) async fn within(peer: &mut Peer, name: &str, recipe: &Json, host: &Host) -> Option<String> {
    let theirs = peer.ask(&json!({"recipe": recipe, "within": [host.how, host.request]}));
    let ours = ours(recipe, Some(host), false).await;
    let refused = |ours: &Result<Json, String>| ours.as_ref().is_err_and(|error| error.contains("ends in one task"));
    let chunks = recipes::is_chunks(recipe) && (host.how == "replace" || recipes::is_chunks_with_options(recipe));
    if chunks || (host.how == "add" && refused(&ours)) {
        // In Celery the chord, or whoever waits, waits for ever then.
        return None;
    }
    let what =
        host.request.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| &**name);
    told_apart(&format!("{name}, {} in {}", host.how, what.collect::<Vec<_>>().join(", ")), recipe, theirs, ours)
}

fn told_apart(name: &str, recipe: &Json, theirs: Json, ours: Result<Json, String>) -> Option<String> {
    let (theirs, ours) = match (theirs["error"].as_str(), ours) {
        (Some(_), _) => return None,
        (None, Err(error)) => return Some(format!("{name}: {recipe}\n  ours is an error: {error}")),
        (None, Ok(ours)) => (theirs["sent"].clone(), ours),
    };
    // What has travelled is a list that was a tuple, and texts for people show it.
    let texts = !recipe.to_string().contains("travelled");
    let (theirs, ours) = (normal(theirs, texts), normal(ours, texts));
    same::different(name, recipe, &theirs, &ours)
}

/// Messages by their queues and priorities, without what differs by chance or place.
fn normal(mut sent: Json, texts: bool) -> Json {
    let messages = sent["messages"].as_array_mut().unwrap();
    messages.sort_by_key(|message| {
        let queue = message[2]["delivery_info"]["routing_key"].as_str().unwrap().to_owned();
        (queue, message[2]["priority"].as_u64().unwrap_or_default())
    });
    for message in messages {
        let headers = message[0].as_object_mut().unwrap();
        headers.remove("origin");
        // There a body is shown, with what is in it in another order.
        let texts = texts && headers["task"] != "celery.chord_unlock";
        headers.retain(|name, _| texts || !["argsrepr", "kwargsrepr"].contains(&&**name));
        let properties = message[2].as_object_mut().unwrap();
        for name in ["delivery_tag", "body_encoding"] {
            properties.remove(name);
        }
        properties.retain(|_, value| !value.is_null());
        if let Some(priority) = properties.remove("priority").filter(|priority| *priority != json!(0)) {
            properties.insert("priority".to_owned(), priority);
        }
    }
    // Ids are named by the messages; in which order the backend hears of things does not count.
    let mut names = Names::default();
    let messages = names.plain(&sent["messages"]);
    let mut sorted = |name: &str| {
        let mut all: Vec<Json> = sent[name].as_array().unwrap().iter().map(|one| names.plain(one)).collect();
        all.sort_by_key(Json::to_string);
        all
    };
    let (chords, sizes) = (sorted("chords"), sorted("sizes"));
    let (added, children) = (names.plain(&sent["added"]), names.plain(&sent["children"]));
    let result = names.plain(&sent["result"]);
    json!({"messages": messages, "chords": chords, "sizes": sizes, "added": added, "children": children, "result": result})
}

async fn ours(recipe: &Json, host: Option<&Host>, unlocks: bool) -> Result<Json, String> {
    let (broker, backend) = (Memory::new(), Arc::new(Recording { unlocks, ..Recording::default() }));
    let app = App::builder()
        .broker(Arc::new(broker.clone()))
        .backend(backend.clone())
        .task(any)
        .task(sends)
        .build()
        .unwrap();
    let queues = ["celery", "other"].map(Queue::new).to_vec();
    broker.declare(&Topology::from(queues)).await.map_err(|error| error.to_string())?;
    let (id, children) = match host {
        None => {
            let result = made(recipe).send(&app).await.map_err(|error| error.to_string())?;
            (json!(Some(result.id()).filter(|id| !id.is_empty())), json!([]))
        }
        Some(host) => host.run(&app, recipe).await?,
    };
    let mut messages = Vec::new();
    for queue in ["celery", "other"] {
        while let Some(message) = broker.take(queue).await.map_err(|error| error.to_string())? {
            messages.push(shown(&message));
        }
    }
    let heard = backend.heard.lock().unwrap();
    let Heard { chords, sizes, added } = &*heard;
    Ok(json!({
        "messages": messages, "chords": chords, "sizes": sizes, "added": added, "children": children, "result": id
    }))
}

fn shown(message: &Message) -> Json {
    let body: Json = serde_json::from_slice(&message.body).unwrap();
    json!([recipes::json(&message.headers.clone().into()), body, recipes::json(&message.properties.to_dict().into())])
}

/// A backend that keeps nothing but what it hears of chords.
#[derive(Default)]
struct Recording {
    heard: Mutex<Heard>,
    /// Whether chords are gone on with by Celery's own task.
    unlocks: bool,
}

#[derive(Default)]
struct Heard {
    chords: Vec<Json>,
    sizes: Vec<Json>,
    added: Vec<String>,
}

fn done<'a, T: Send + 'a>(value: T) -> Waits<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Backend for Recording {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn url(&self) -> String {
        "recording://".to_owned()
    }

    fn expect(&self, _: &str) -> Expected {
        Expected::nothing()
    }

    fn store(&self, _: Update) -> Waits<'_, ()> {
        done(())
    }

    fn get<'a>(&'a self, _: &'a str) -> Waits<'a, Found> {
        done(Found::Pending)
    }

    fn changed<'a>(&'a self, _: &'a str, _: Option<&'a ResultMeta>) -> Waits<'a, ResultMeta> {
        Box::pin(std::future::pending())
    }

    fn forget<'a>(&'a self, _: &'a str) -> Waits<'a, ()> {
        done(())
    }

    fn chords(&self) -> Option<&dyn Chords> {
        Some(self)
    }

    fn close(&self) -> Waits<'_, ()> {
        done(())
    }
}

impl Chords for Recording {
    fn begin(&self, chord: Begun) -> Waits<'_, ()> {
        let Begun { group_id, header, .. } = chord;
        let header: Vec<Json> = header.iter().map(|member| recipes::json(&member.to_value())).collect();
        self.heard.lock().unwrap().chords.push(json!([&*group_id, header]));
        done(())
    }

    fn set_size<'a>(&'a self, group_id: &'a str, size: usize) -> Waits<'a, ()> {
        self.heard.lock().unwrap().sizes.push(json!([group_id, size]));
        done(())
    }

    fn add<'a>(&'a self, group_id: &'a str, _: usize) -> Waits<'a, ()> {
        self.heard.lock().unwrap().added.push(group_id.to_owned());
        done(())
    }

    fn part(&self, _: Part) -> Waits<'_, Counted> {
        done(Counted::Waiting)
    }

    fn join<'a>(&'a self, _: &'a Claim) -> Waits<'a, Result<Vec<Value>, Broken>> {
        done(Ok(Vec::new()))
    }

    fn extend<'a>(&'a self, _: &'a Claim) -> Waits<'a, bool> {
        done(false)
    }

    fn finish<'a>(&'a self, _: &'a Claim) -> Waits<'a, ()> {
        done(())
    }

    fn needs_unlock(&self) -> bool {
        self.unlocks
    }
}
