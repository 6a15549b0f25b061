use salamander::prelude::*;

#[expose]
fn any<T>(value: T) {}

#[expose]
fn pair((x, y): (i64, i64)) -> i64 {
    x + y
}

#[expose]
struct NoFunction;

fn main() {}
