//! What is compared, with ids and times replaced.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::peer::Peer;
use crate::recipes::{json, made};

/// Composes a recipe in both languages; what is different.
pub(crate) fn composed(peer: &mut Peer, name: &str, recipe: &Json) -> Option<String> {
    let theirs = peer.ask(&serde_json::json!({"recipe": recipe}));
    if theirs["error"].is_string() {
        // What Python refuses while it is composed, as links of groups without members.
        return None;
    }
    let ours = json(&made(recipe).to_value());
    // Names of stamps are in no order.
    let plain = |json: &Json| {
        if recipe.to_string().contains("stamp") || recipe.to_string().contains("visit") {
            Names::default().plain(json)
        } else {
            json.clone()
        }
    };
    different(name, recipe, &plain(&theirs["made"]), &plain(&ours))
}

/// Where two things differ first, if they do.
pub(crate) fn different(name: &str, recipe: &Json, theirs: &Json, ours: &Json) -> Option<String> {
    let (at, theirs, ours) = first(theirs, ours)?;
    Some(format!("{name}: {recipe}\n  at {at}\n  theirs {theirs}\n  ours   {ours}"))
}

fn first(theirs: &Json, ours: &Json) -> Option<(String, Json, Json)> {
    let deeper = |name: String, theirs: &Json, ours: &Json| {
        first(theirs, ours).map(|(at, theirs, ours)| (format!("/{name}{at}"), theirs, ours))
    };
    match (theirs, ours) {
        (Json::Object(left), Json::Object(right)) if left.keys().eq(right.keys()) => {
            left.iter().find_map(|(name, theirs)| deeper(name.clone(), theirs, &right[name]))
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).enumerate().find_map(|(at, (theirs, ours))| deeper(at.to_string(), theirs, ours))
        }
        (theirs, ours) => (theirs != ours).then(|| (String::new(), theirs.clone(), ours.clone())),
    }
}

/// Replaces ids by when they came first, and times that are told by their being there.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, usize>);

impl Names {
    pub(crate) fn plain(&mut self, json: &Json) -> Json {
        match json {
            Json::String(text) => Json::String(self.text(text)),
            Json::Array(items) => items.iter().map(|item| self.plain(item)).collect(),
            Json::Object(entries) => {
                let mut names: Vec<&String> = entries.keys().collect();
                names.sort();
                let mut plain: Map<String, Json> =
                    names.into_iter().map(|name| (name.clone(), self.plain(&entries[name]))).collect();
                with_values(&mut plain);
                // Python takes an errback for another one where a tuple in it has become a list, and calls it twice.
                if let Some(Json::Array(errbacks)) = plain.get_mut("link_error") {
                    let mut seen: Vec<Json> = Vec::new();
                    errbacks.retain(|errback| {
                        !seen.contains(errback) && {
                            seen.push(errback.clone());
                            true
                        }
                    });
                }
                Json::Object(plain)
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if text.starts_with("20") && text.contains('T') && text.ends_with("+00:00") {
            return "a time".to_owned();
        }
        let (mut plain, mut rest) = (String::new(), text);
        while !rest.is_empty() {
            if let Some(id) = rest.get(..36).filter(|id| is_id(id)) {
                let next = self.0.len();
                plain += &format!("id {}", self.0.entry(id.to_owned()).or_insert(next));
                rest = &rest[36..];
            } else {
                let first = rest.chars().next().unwrap();
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        plain
    }
}

/// Names of stamps in order, as far as they are stamped: in Python they are a set's, and names that were stamped on a sibling are among them.
fn with_values(plain: &mut Map<String, Json>) {
    let Some(Json::Array(mut names)) = plain.get("stamped_headers").cloned() else { return };
    let stamped = plain.get("stamps").and_then(Json::as_object).unwrap_or(plain);
    names.retain(|name| stamped.contains_key(name.as_str().unwrap_or_default()));
    names.sort_by_key(Json::to_string);
    plain.insert("stamped_headers".to_owned(), names.into());
}

fn is_id(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    })
}
