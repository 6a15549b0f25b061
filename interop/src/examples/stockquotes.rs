//! `stockquotes`: markets whose quotes never end.

use std::time::Duration;

use futures_core::Stream;
use salamander::prelude::*;

use super::Stage;

struct StockMarket {
    name: &'static str,
    symbols: &'static [&'static str],
}

#[expose]
impl StockMarket {
    fn quotes(&self) -> impl Stream<Item = (&'static str, f64)> + use<> {
        let symbols = self.symbols;
        futures_util::stream::unfold(0_u32, move |number| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Every symbol gets its turn.
            let symbol = symbols.get(number as usize % symbols.len())?;
            Some(((*symbol, 5.0 + f64::from(number * 37 % 14_500) / 100.0), number + 1))
        })
    }

    #[property]
    fn name(&self) -> &'static str {
        self.name
    }

    #[property]
    fn symbols(&self) -> Vec<&'static str> {
        self.symbols.to_vec()
    }
}

/// Serves two.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    let nasdaq = StockMarket { name: "NASDAQ", symbols: &["AAPL", "CSCO", "MSFT", "GOOG"] };
    let nasdaq = daemon.register_anonymous(nasdaq)?;
    let newyork = daemon.register_anonymous(StockMarket { name: "NYSE", symbols: &["IBM", "HPQ", "BP"] })?;
    names.register("example.stockmarket.nasdaq", &nasdaq).await?;
    names.register("example.stockmarket.newyork", &newyork).await?;
    daemon.spawn();
    Ok(nasdaq)
}
