//! Exceptions as replies.

use salamander_codec::{Codec, Output, Settings};
use salamander_value::{Exception, Result, Value, write_value};

/// Writes an exception; one that the codec cannot carry becomes a `PyroError` that tells of it, as in Pyro.
pub(super) fn write_exception(
    out: &mut Output,
    codec: Codec,
    settings: &Settings,
    exception: Exception,
) -> Result<()> {
    let value = Value::from(exception);
    let written = codec.write(out, settings, |writer| write_value(&value, writer));
    let (Err(error), Value::Exception(exception)) = (&written, &value) else { return written };
    let mut replacement = Exception::pyro(
        "PyroError",
        format!(
            "Error serializing exception: {error}. Original exception: <class '{}'>: {}",
            exception.class().trim_start_matches("builtins."),
            exception.message()
        ),
    );
    replacement.set_traceback(exception.traceback().into_iter().map(str::to_owned).collect());
    let value = Value::from(replacement);
    codec.write(out, settings, |writer| write_value(&value, writer))
}
