//! Many calls in one message, made in order up to the first that fails.

use salamander::prelude::*;

#[derive(Default)]
struct Account {
    balance: i64,
}

#[expose]
impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }

    fn withdraw(&mut self, amount: i64) -> Result<i64, Exception> {
        if amount > self.balance {
            return Err(Exception::value_error(format!("there are only {}", self.balance)));
        }
        self.balance -= amount;
        Ok(self.balance)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    recipes::run("batch", daemon(), call).await
}

async fn daemon() -> Result<(Daemon, Uri)> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.account", Account::default())?;
    Ok((daemon, uri))
}

async fn call(uri: String) -> Result<()> {
    let account = Proxy::new(uri)?;
    let mut batch = account.batch();
    batch.call("deposit", (100,)).call("withdraw", (30,)).call("withdraw", (1000,)).call("deposit", (1,));
    for result in batch.send::<i64>().await? {
        match result {
            Ok(balance) => println!("{balance}"),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
