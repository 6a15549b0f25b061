//! A greeting, the smallest object there is. `greeting.py` beside this file calls it.
//!
//! cargo run --example greeting

use salamander::prelude::*;

struct Greeting;

#[expose]
impl Greeting {
    /// A fortune for somebody.
    fn get_fortune(&self, name: &str) -> String {
        format!("Hello, {name}. Here is your fortune message:\nTomorrow's lucky number is 12345678.")
    }

    fn add(&self, x: i64, y: i64) -> i64 {
        x + y
    }
    fn div(&self, x: i64, #[default(2)] y: i64) -> Result<i64, Exception> {
        x.checked_div(y).ok_or_else(|| Exception::zero_division_error("division by zero"))
    }
    async fn slow(&self, seconds: f64) -> f64 {
        tokio::time::sleep(std::time::Duration::from_secs_f64(seconds)).await;
        seconds
    }
    fn count(&self, n: u32) -> impl Iterator<Item = u32> + use<> {
        0..n
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.greeting", Greeting)?;
    println!("{uri}");
    daemon.serve().await
}
