//! `attributes`: properties, and names with underscores.

use salamander::Dict;
use salamander::prelude::*;

use super::Stage;

struct Thingy {
    sub: Dict,
    value: i64,
}

#[expose]
impl Thingy {
    #[name("__dunder__")]
    fn dunder(&self) -> &'static str {
        "yep"
    }

    #[name("__len__")]
    fn len(&self) -> usize {
        200
    }

    #[name("getValue")]
    fn get_value(&self) -> i64 {
        self.value
    }

    #[property]
    fn prop_value(&self) -> i64 {
        self.value
    }

    #[setter]
    fn set_prop_value(&mut self, value: i64) {
        self.value = value;
    }

    #[property]
    fn prop_sub(&self) -> Dict {
        self.sub.clone()
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register(
        "example.attributes",
        Thingy { sub: Dict::from_iter([("name", Value::from("value"))]), value: 42 },
    )?;
    daemon.spawn();
    Ok(uri)
}
