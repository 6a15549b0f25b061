//! `stockquotes-old`: somebody who gathers quotes and hands them on to those who want to see them.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use salamander::prelude::*;

use super::Stage;

const SYMBOLS: [(&str, &str); 7] = [
    ("NASDAQ", "AAPL"),
    ("NASDAQ", "CSCO"),
    ("NASDAQ", "MSFT"),
    ("NASDAQ", "GOOG"),
    ("NYSE", "IBM"),
    ("NYSE", "HPQ"),
    ("NYSE", "BP"),
];

type Viewers = Arc<Mutex<Vec<(Proxy, Vec<String>)>>>;

struct Aggregator(Viewers);

#[expose]
impl Aggregator {
    fn available_symbols(&self) -> Vec<&'static str> {
        SYMBOLS.iter().map(|(_, symbol)| *symbol).collect()
    }

    fn view(&self, viewer: Proxy, symbols: Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((viewer, symbols));
    }
}

/// Quotes one symbol after another, until a viewer has gone.
async fn quote(viewers: Viewers) -> Result<()> {
    for number in 0_u32.. {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (market, symbol) = SYMBOLS[number as usize % SYMBOLS.len()];
        let all = viewers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (viewer, symbols) in all {
            if symbols.iter().any(|wanted| wanted == symbol) {
                let value = 5.0 + f64::from(number * 37 % 14_500) / 100.0;
                viewer.call::<()>("quote", (market, symbol, value)).await?;
            }
        }
    }
    Ok(())
}

/// Serves it, with markets of its own.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let viewers = Viewers::default();
    let uri = daemon.register_anonymous(Aggregator(viewers.clone()))?;
    stage.names().await?.register("example.stockquote-old.aggregator", &uri).await?;
    daemon.spawn();
    tokio::spawn(quote(viewers));
    Ok(uri)
}
