//! The visitors of the recipes, as Python has them too.

use salamander_tasks::canvas::{Canvas, StampingVisitor};
use salamander_value::{Dict, Value};

/// One of them by its name.
pub(crate) fn named(name: &str) -> Box<dyn StampingVisitor> {
    match name {
        "named" => Box::new(Named),
        "everywhere" => Box::new(Everywhere),
        "in group" => Box::new(InGroup(false)),
        "counting" => Box::new(Counting(0)),
        "options" => Box::new(WithOptions),
        other => panic!("{other}"),
    }
}

fn one(name: &str, value: impl Into<Value>) -> Dict {
    Dict::from_iter([(name, value.into())])
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

struct Named;

impl StampingVisitor for Named {
    fn on_signature(&mut self, task: &Canvas, _: &Dict) -> Dict {
        one("name_of", task.task())
    }
}

struct Everywhere;

impl StampingVisitor for Everywhere {
    fn on_signature(&mut self, _: &Canvas, stamped: &Dict) -> Dict {
        one("on_signature", count(stamped.len()))
    }

    fn on_group_start(&mut self, _: &Canvas, _: &Dict) -> Dict {
        one("on_group", true)
    }

    fn on_chain_start(&mut self, chain: &Canvas, _: &Dict) -> Dict {
        one("on_chain", count(chain.tasks().len()))
    }

    fn on_chord_body(&mut self, _: &Canvas, _: &Dict) -> Dict {
        one("on_body", true)
    }

    fn on_callback(&mut self, _: &Canvas, _: &Dict) -> Dict {
        one("on_callback", true)
    }

    fn on_errback(&mut self, errback: &Canvas, _: &Dict) -> Dict {
        one("on_errback", errback.task())
    }
}

struct InGroup(bool);

impl InGroup {
    fn said(&self) -> Dict {
        let names = Value::List(vec!["in_group".into()]);
        Dict::from_iter([("in_group", Value::from(self.0)), ("stamped_headers", names)])
    }
}

impl StampingVisitor for InGroup {
    fn on_group_start(&mut self, _: &Canvas, _: &Dict) -> Dict {
        self.0 = true;
        self.said()
    }

    fn on_group_end(&mut self, _: &Canvas, _: &Dict) {
        self.0 = false;
    }

    fn on_chain_start(&mut self, _: &Canvas, _: &Dict) -> Dict {
        self.said()
    }

    fn on_signature(&mut self, _: &Canvas, _: &Dict) -> Dict {
        self.said()
    }
}

struct Counting(i64);

impl StampingVisitor for Counting {
    fn on_signature(&mut self, _: &Canvas, _: &Dict) -> Dict {
        self.0 += 1;
        one("monitoring_id", self.0)
    }
}

struct WithOptions;

impl StampingVisitor for WithOptions {
    fn on_signature(&mut self, _: &Canvas, _: &Dict) -> Dict {
        let names = Value::List(vec!["marked".into()]);
        Dict::from_iter([("marked", Value::from("yes")), ("priority", 3.into()), ("stamped_headers", names)])
    }
}
