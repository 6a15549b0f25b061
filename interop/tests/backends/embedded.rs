//! Results of our own: in memory, in a file, and beside the queues of another process.

use std::sync::Arc;
use std::time::Duration;

use interop::backend_contract::Place;
use interop::queues::{Directory, Queues};
use salamander_tasks::backend::{Backend, EmbeddedResults, PyroResults, ResultOptions};
use salamander_tasks::broker::pyro::Pyro;
use salamander_tasks::broker::{Embedded, EmbeddedOptions, Memory};

fn expiring(after: Duration) -> ResultOptions {
    let mut options = ResultOptions::default();
    options.expires = Some(after);
    options
}

mod memory {
    use super::*;

    struct InMemory(Memory);

    impl Place for InMemory {
        fn connect(&self) -> Arc<dyn Backend> {
            Arc::new(EmbeddedResults::in_memory(&self.0, ResultOptions::default()))
        }

        fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
            Arc::new(EmbeddedResults::in_memory(&self.0, super::expiring(after)))
        }
    }

    fn place() -> Option<InMemory> {
        Some(InMemory(Memory::new()))
    }

    interop::backend_contract!(place(), place(), chords);
}

mod file {
    use super::*;

    struct InFile {
        broker: Embedded,
        /// Gone after the broker.
        _directory: Directory,
    }

    impl Place for InFile {
        fn connect(&self) -> Arc<dyn Backend> {
            Arc::new(EmbeddedResults::new(&self.broker, ResultOptions::default()))
        }

        fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
            Arc::new(EmbeddedResults::new(&self.broker, super::expiring(after)))
        }
    }

    fn place() -> Option<InFile> {
        let directory = Directory::new();
        let broker = Embedded::open(directory.file("tasks"), EmbeddedOptions::default()).unwrap();
        Some(InFile { broker, _directory: directory })
    }

    // What is in this process cannot be killed without it: its crashes are those of the remote object.
    interop::backend_contract!(place(), None::<InFile>, chords);
}

mod remote {
    use super::*;

    struct Remote(Queues);

    impl Place for Remote {
        fn connect(&self) -> Arc<dyn Backend> {
            Arc::new(PyroResults::new(&Pyro::new(self.0.url()).unwrap(), ResultOptions::default()))
        }

        fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
            Arc::new(PyroResults::new(&Pyro::new(self.0.url()).unwrap(), super::expiring(after)))
        }

        fn kill(&mut self) {
            self.0.kill();
        }

        fn restart(&mut self) {
            self.0.restart();
        }
    }

    fn place() -> Option<Remote> {
        Some(Remote(Queues::start()))
    }

    interop::backend_contract!(place(), place(), chords);
}
