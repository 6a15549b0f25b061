use salamander::prelude::*;

struct Thing;

#[expose]
impl Thing {
    fn consumed(self) {}

    fn generic<T>(&self, _value: T) {}

    #[blocking]
    async fn both(&self) {}

    #[setter]
    fn value(&mut self, _value: i64) {}

    #[property]
    fn with_argument(&self, _at: i64) -> i64 {
        0
    }

    #[oneway]
    fn without_self() {}

    #[name("_hidden")]
    fn private(&self) {}

    fn pattern(&self, (_a, _b): (i64, i64)) {}
}

fn main() {}
