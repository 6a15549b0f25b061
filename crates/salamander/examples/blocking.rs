//! No `async` anywhere: the blocking twins of daemons and proxies.
//!
//! `cargo run -p salamander --example blocking` serves the object, the same with a URI calls it, and so does `blocking.py`.

use salamander::blocking::{Daemon, Proxy};
use salamander::{Result, expose};

struct Primes;

#[expose]
impl Primes {
    /// Keeps a processor busy, and so has a thread of its own.
    #[blocking]
    fn count_below(&self, limit: u32) -> usize {
        (2..limit).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)).count()
    }

    fn some(&self) -> impl Iterator<Item = u32> + use<> {
        [2, 3, 5, 7].into_iter()
    }
}

fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(uri) => call(&uri),
        None => serve(),
    }
}

fn serve() -> Result<()> {
    let daemon = Daemon::bind("localhost:0")?;
    let uri = daemon.register("example.primes", Primes)?;
    println!("next: python crates/salamander/examples/blocking.py {uri}");
    daemon.serve()
}

fn call(uri: &str) -> Result<()> {
    let primes = Proxy::new(uri)?;
    println!("{} primes are below 100", primes.call::<usize>("count_below", (100,))?);
    for prime in primes.stream::<u32>("some", ())? {
        println!("{}", prime?);
    }
    Ok(())
}
