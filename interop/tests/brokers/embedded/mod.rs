//! Queues of our own: in memory, in a file, and both as a remote object.

use std::sync::Arc;

use interop::broker_contract::Place;
use interop::queues::{Directory, Queues};
use salamander_tasks::broker::pyro::Pyro;
use salamander_tasks::broker::{Broker, Embedded, EmbeddedOptions, Memory};

mod python;

mod memory {
    use super::*;

    struct InMemory(Memory);

    impl Place for InMemory {
        fn connect(&self) -> Arc<dyn Broker> {
            Arc::new(self.0.connect())
        }
    }

    fn place() -> Option<InMemory> {
        Some(InMemory(Memory::new()))
    }

    interop::broker_contract!(place(), place());
}

mod file {
    use super::*;

    struct InFile {
        broker: Embedded,
        /// Gone after the broker.
        _directory: Directory,
    }

    impl Place for InFile {
        fn connect(&self) -> Arc<dyn Broker> {
            Arc::new(self.broker.connect())
        }
    }

    fn place() -> Option<InFile> {
        let directory = Directory::new();
        let broker = Embedded::open(directory.file("tasks"), EmbeddedOptions::default()).unwrap();
        Some(InFile { broker, _directory: directory })
    }

    // What is in this process cannot be killed without it: its crashes are those of the remote object.
    interop::broker_contract!(place(), None::<InFile>);
}

mod remote {
    use super::*;

    impl Place for Remote {
        fn connect(&self) -> Arc<dyn Broker> {
            Arc::new(Pyro::new(self.0.url()).unwrap())
        }

        fn kill(&mut self) {
            self.0.kill();
        }

        fn restart(&mut self) {
            self.0.restart();
        }
    }

    struct Remote(Queues);

    fn place() -> Option<Remote> {
        Some(Remote(Queues::start()))
    }

    interop::broker_contract!(place(), place());
}
