//! Redis.

mod beside;
mod shapes;

use std::sync::Arc;
use std::time::Duration;

use interop::backend_contract::Place;
use interop::servers::Store;
use salamander_tasks::backend::{Backend, RedisResults, ResultOptions};
use salamander_value::Dict;

/// A server of its own for each test.
pub(crate) struct Own(Store);

impl Own {
    pub(crate) fn new() -> Option<Self> {
        Store::redis().map(Self)
    }

    fn with(&self, options: ResultOptions) -> Arc<dyn Backend> {
        Arc::new(RedisResults::new(&self.0.url(), options, &Dict::new()).unwrap())
    }
}

impl Place for Own {
    fn connect(&self) -> Arc<dyn Backend> {
        self.with(ResultOptions::default())
    }

    fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
        let mut options = ResultOptions::default();
        options.expires = Some(after);
        self.with(options)
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn restart(&mut self) {
        self.0.restart();
    }
}

mod contract {
    use super::Own;

    interop::backend_contract!(Own::new(), Own::new(), chords);
}
