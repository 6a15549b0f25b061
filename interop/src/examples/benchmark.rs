//! `benchmark`: methods with arguments of all kinds.

use salamander::Dict;
use salamander::prelude::*;

use super::Stage;

struct Bench;

#[expose]
impl Bench {
    fn length(&self, string: &str) -> usize {
        string.chars().count()
    }

    fn timestwo(&self, value: i64) -> i64 {
        value * 2
    }

    fn bigreply(&self) -> String {
        "BIG REPLY".repeat(500)
    }

    fn bigarg(&self, arg: &str) -> usize {
        arg.chars().count()
    }

    #[allow(clippy::too_many_arguments)]
    fn manyargs(
        &self,
        a1: i64,
        a2: i64,
        a3: i64,
        a4: i64,
        a5: i64,
        a6: i64,
        a7: i64,
        a8: i64,
        a9: i64,
        a10: i64,
        a11: i64,
        a12: i64,
        a13: i64,
        a14: i64,
        a15: i64,
    ) -> i64 {
        [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15].iter().sum()
    }

    fn noreply(&self, _arg: Value) {}

    fn varargs(&self, #[args] args: Vec<Value>) -> usize {
        args.len()
    }

    fn keywords(&self, #[kwargs] args: Dict) -> Dict {
        args
    }

    fn echo(&self, #[args] args: Vec<Value>) -> Value {
        Value::Tuple(args)
    }

    #[oneway]
    fn oneway(&self, #[args] _args: Vec<Value>) {}
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register("example.benchmark", Bench)?;
    daemon.spawn();
    Ok(uri)
}
