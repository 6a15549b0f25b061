//! `nonameserver`: objects by their URIs.

use salamander::prelude::*;

use super::Stage;

struct QuoteGen;

#[expose]
impl QuoteGen {
    #[blocking]
    fn quote(&self) -> String {
        let quote = std::process::Command::new("fortune").output().map(|output| output.stdout).unwrap_or_default();
        match String::from_utf8_lossy(&quote).into_owned() {
            quote if quote.is_empty() => {
                "This system cannot provide you a good fortune, install 'fortune'".to_owned()
            }
            quote => quote,
        }
    }
}

/// Serves two.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let uri = daemon.register_anonymous(QuoteGen)?;
    daemon.register("example.quotegen", QuoteGen)?;
    daemon.spawn();
    Ok(uri)
}
