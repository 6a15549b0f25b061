//! Recipes of canvases: made by chance, and carried out with our own canvases.

use salamander_codec::{Args, Codec, Settings};
use salamander_tasks::Signature;
use salamander_tasks::canvas::{Canvas, Stamping, chain, chord, chunks, group, map, starmap};
use salamander_value::Value;
use salamander_wire::celery::{Serializer, settings};
use serde_json::{Value as Json, json};

#[path = "../celery_canvas/visitors.rs"]
mod visitors;

/// Numbers that are the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, below: u64) -> u64 {
        // A generator of the form of splitmix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    /// A recipe that nests no deeper than this.
    pub(crate) fn recipe(&mut self, depth: u32) -> Json {
        if depth == 0 {
            return self.task();
        }
        let depth = depth - 1;
        match self.below(24) {
            0..=3 => self.task(),
            4..=8 => json!(["or", [self.recipe(depth), self.recipe(depth)]]),
            9 | 10 => json!(["chain", self.recipes(depth, 4)]),
            11..=13 => json!(["group", self.recipes(depth, 3)]),
            14 | 15 => json!(["chord", [self.recipes(depth, 3), self.recipe(depth)]]),
            16 => match self.below(4) {
                0 => json!(["map", [self.task(), [1, 2]]]),
                1 => json!(["starmap", [self.task(), [[1, 2], [3]]]]),
                2 => json!(["chunks", [self.task(), [[1], [2], [3]], 2]]),
                _ => json!(["chunks as a group", [self.task(), [[1], [2], [3]], 2]]),
            },
            17 => json!(["link", [self.recipe(depth), self.recipe(depth.min(1))]]),
            18 => json!(["link_error", [self.recipe(depth), self.recipe(depth.min(1))]]),
            19 => json!(["set", [self.recipe(depth), self.options()]]),
            20 => {
                let stamps = self.stamps();
                // What is in dicts Python appends to those of other tasks too.
                let append = self.below(2) == 0 && stamps.get("nested").is_none();
                json!(["stamp", [self.recipe(depth), stamps, append]])
            }
            21 => {
                let visitor = ["named", "everywhere", "in group", "options"][self.below(4) as usize];
                json!(["visit", [self.recipe(depth), visitor, false]])
            }
            22 => json!(["immutable", [self.recipe(depth), self.below(3) > 0]]),
            _ => match self.below(2) {
                0 => json!(["partial", [self.recipe(depth), [self.below(9)]]]),
                _ => json!(["travelled", [self.recipe(depth)]]),
            },
        }
    }

    fn recipes(&mut self, depth: u32, most: u64) -> Vec<Json> {
        let count = self.below(most + 1);
        (0..count).map(|_| self.recipe(depth)).collect()
    }

    fn task(&mut self) -> Json {
        let name = if self.below(5) == 0 { "other.task" } else { "tasks.any" };
        let args: Vec<u64> = (0..self.below(3)).map(|_| self.below(10)).collect();
        let kwargs = if self.below(4) == 0 { json!({"k": self.below(10)}) } else { json!({}) };
        let options = if self.below(4) == 0 { self.options() } else { json!({}) };
        json!(["task", [name, args, kwargs, options, self.below(6) == 0]])
    }

    fn stamps(&mut self) -> Json {
        match self.below(3) {
            0 => json!({"team": "blue"}),
            1 => json!({"team": "red", "number": self.below(10)}),
            _ => json!({"nested": {"number": self.below(10)}}),
        }
    }

    fn options(&mut self) -> Json {
        match self.below(4) {
            0 => json!({"priority": self.below(10)}),
            1 => json!({"queue": "other"}),
            2 => json!({"countdown": 5, "shadow": "shown"}),
            _ => json!({"time_limit": 30, "headers": {"mine": 1}}),
        }
    }
}

pub(crate) fn value(json: &Json) -> Value {
    Codec::Json.decode_value(&json.to_string().into_bytes().into(), &Settings::default()).unwrap()
}

fn list(json: &Json) -> Vec<Value> {
    value(json).as_slice().unwrap().to_vec()
}

/// A value as JSON.
pub(crate) fn json(value: &Value) -> Json {
    let bytes = Serializer::Json.encode(value, &settings()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Whether it is chunks, whatever else is said of them.
pub(crate) fn is_chunks(recipe: &Json) -> bool {
    match recipe[0].as_str() {
        Some("chunks") => true,
        Some("stamp" | "visit" | "set" | "link" | "link_error" | "immutable" | "partial") => is_chunks(&recipe[1][0]),
        _ => false,
    }
}

/// What is said of chunks that stand alone Celery forgets.
pub(crate) fn is_chunks_with_options(recipe: &Json) -> bool {
    recipe[0] != "chunks" && is_chunks(recipe)
}

/// Our canvas of a recipe.
pub(crate) fn made(recipe: &Json) -> Canvas {
    let rest = &recipe[1];
    let all = |recipes: &Json| recipes.as_array().unwrap().iter().map(made).collect::<Vec<_>>();
    match recipe[0].as_str().unwrap() {
        "task" => {
            let keywords = value(&rest[2]).as_dict().unwrap().clone();
            let arguments = Args { positional: list(&rest[1]), keywords };
            let task = Canvas::from(Signature::<Value>::new(rest[0].as_str().unwrap(), arguments));
            set(task, &rest[3]).immutable(rest[4].as_bool().unwrap())
        }
        "or" => made(&rest[0]) | made(&rest[1]),
        "chain" => chain(all(rest)),
        "group" => group(all(rest)),
        "chord" => chord(all(&rest[0]), made(&rest[1])),
        "map" => map(made(&rest[0]), list(&rest[1])),
        "starmap" => starmap(made(&rest[0]), list(&rest[1])),
        "chunks" => chunks(made(&rest[0]), list(&rest[1]), usize::try_from(rest[2].as_u64().unwrap()).unwrap()),
        "chunks as a group" => {
            let size = usize::try_from(rest[2].as_u64().unwrap()).unwrap();
            chunks(made(&rest[0]), list(&rest[1]), size).chunks_as_group()
        }
        "partial" => made(&rest[0]).partial(list(&rest[1])),
        "set" => set(made(&rest[0]), &rest[1]),
        "immutable" => made(&rest[0]).immutable(rest[1].as_bool().unwrap()),
        "link" => made(&rest[0]).link(made(&rest[1])),
        "link_error" => made(&rest[0]).link_error(made(&rest[1])),
        "skew" => made(&rest[0]).skew(rest[1].as_f64().unwrap(), rest[2].as_f64(), rest[3].as_f64().unwrap()),
        "stamp" => {
            let stamps = rest[1].as_object().unwrap().iter();
            let stamping = stamps.fold(Stamping::new(), |stamping, (name, stamp)| stamping.with(name, value(stamp)));
            made(&rest[0]).stamp_all(if rest[2] == true { stamping.appended() } else { stamping })
        }
        "visit" => {
            let mut visitor = visitors::named(rest[1].as_str().unwrap());
            let stamping = Stamping::new().by(&mut *visitor);
            made(&rest[0]).stamp_all(if rest[2] == true { stamping.appended() } else { stamping })
        }
        "travelled" => Canvas::from_value(&value(&json(&made(&rest[0]).to_value()))).unwrap(),
        other => panic!("{other}"),
    }
}

fn set(canvas: Canvas, options: &Json) -> Canvas {
    let options = options.as_object().unwrap();
    options.iter().fold(canvas, |canvas, (name, option)| canvas.set(name, value(option)))
}
