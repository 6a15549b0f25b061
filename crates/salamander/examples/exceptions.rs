//! Errors become the exceptions that a Python programmer expects, and the other way round.
//!
//! `cargo run -p salamander --example exceptions` serves the object, the same with a URI calls it, and so does
//! `exceptions.py`.

use std::collections::BTreeMap;

use salamander::prelude::*;

struct Shop {
    stock: BTreeMap<&'static str, u32>,
}

#[expose]
impl Shop {
    /// Python's own exceptions have constructors.
    fn in_stock(&self, article: String) -> Result<u32, Exception> {
        self.stock.get(&*article).copied().ok_or_else(|| Exception::key_error(article))
    }

    /// Any Rust error becomes the exception that fits: here `ValueError`.
    fn parse_price(&self, text: String) -> Result<f64, Exception> {
        Ok(text.parse::<f64>()?)
    }

    /// Exceptions of any class may have attributes.
    fn buy(&self, article: String, count: u32) -> Result<(), Exception> {
        let left = self.in_stock(article)?;
        if count > left {
            return Err(Exception::new("shop.SoldOut", "we do not have so many").with_attribute("left", left));
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1) {
        Some(uri) => call(&uri).await,
        None => serve().await,
    }
}

async fn serve() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let shop = Shop { stock: BTreeMap::from([("tea", 2), ("coffee", 5)]) };
    let uri = daemon.register("example.shop", shop)?;
    println!("next: python crates/salamander/examples/exceptions.py {uri}");
    daemon.serve().await
}

async fn call(uri: &str) -> Result<()> {
    let shop = Proxy::new(uri)?;
    match shop.call::<u32>("in_stock", ("milk",)).await {
        Err(error) if error.is("KeyError") => println!("{error}"),
        other => println!("{other:?}"),
    }
    // Classes match by their bases too.
    match shop.call::<f64>("parse_price", ("cheap",)).await {
        Err(error) if error.is("Exception") => println!("{error}"),
        other => println!("{other:?}"),
    }
    match shop.call::<()>("buy", ("tea", 3)).await {
        Err(error) if error.is("shop.SoldOut") => {
            let left = error.exception().and_then(|exception| exception.attributes().get("left"));
            println!("{error}; left: {}", left.unwrap_or(&Value::None));
        }
        other => println!("{other:?}"),
    }
    Ok(())
}
