use salamander::prelude::*;

#[proxy]
trait Thing {
    async fn add(&self, x: i64) -> Result<i64> {
        Ok(x)
    }
}

fn main() {}
