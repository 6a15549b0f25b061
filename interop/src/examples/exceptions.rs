//! `exceptions`: errors of many kinds, and a hook that is told of them.

use salamander::prelude::*;

use super::Stage;

struct TestClass;

#[expose]
impl TestClass {
    fn div(&self, arg1: f64, arg2: f64) -> Result<f64, Exception> {
        if arg2 == 0.0 {
            return Err(Exception::zero_division_error("division by zero"));
        }
        Ok(arg1 / arg2)
    }

    fn error(&self) -> Result<(), Exception> {
        Err(Exception::value_error("a valueerror! Great!"))
    }

    fn error2(&self) -> Exception {
        Exception::value_error("a valueerror! Great!")
    }

    fn othererr(&self) -> Result<(), Exception> {
        Err(Exception::runtime_error("a runtime error!"))
    }

    #[oneway]
    fn onewayerr(&self) -> Result<(), Exception> {
        Err(Exception::value_error("error in oneway call!"))
    }

    fn complexerror(&self) -> Result<i64, Exception> {
        Err(Exception::type_error("unsupported operand type(s) for //: 'str' and 'int'"))
    }

    /// Whatever Rust returns can be serialized; this says what Python says of a function.
    fn unserializable(&self) -> Result<(), Exception> {
        Err(Exception::pyro("SerializeError", "don't know how to serialize"))
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let printed = stage.printed.clone();
    let daemon = stage
        .builder()
        .on_error(move |failed| printed.line(format_args!("ERROR IN {}: {}", failed.member, failed.exception)))
        .bind("localhost:0")
        .await?;
    let uri = daemon.register("example.exceptions", TestClass)?;
    stage.names().await?.register("example.exceptions", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
