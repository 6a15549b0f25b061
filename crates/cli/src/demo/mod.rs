//! The objects for demonstrations and tests: `test.echoserver`, `example.greeting` and `example.calculator`.

mod arithmetic;
mod calculator;
mod echo;
mod functions;
mod greeting;
mod tasks;

pub(crate) use calculator::Calculator;
pub(crate) use echo::EchoServer;
pub(crate) use functions::{add, sub};
pub(crate) use greeting::Greeting;
pub(crate) use tasks::with_tasks;

/// The names under which the objects are served.
pub(crate) const ECHO: &str = "test.echoserver";
pub(crate) const GREETING: &str = "example.greeting";
pub(crate) const CALCULATOR: &str = "example.calculator";
