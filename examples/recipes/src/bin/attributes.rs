//! Attributes: read, set, and one that is only to be read.

use salamander::prelude::*;

struct Thermostat {
    celsius: f64,
}

#[expose]
impl Thermostat {
    #[property]
    fn celsius(&self) -> f64 {
        self.celsius
    }

    #[setter]
    fn set_celsius(&mut self, celsius: f64) -> Result<(), Exception> {
        if celsius < -273.15 {
            return Err(Exception::value_error("colder than anything can be"));
        }
        self.celsius = celsius;
        Ok(())
    }

    #[property]
    fn fahrenheit(&self) -> f64 {
        self.celsius * 1.8 + 32.0
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.thermostat", Thermostat { celsius: 20.0 })?;
    tokio::spawn(daemon.serve());

    let thermostat = Proxy::new(uri.to_string())?;
    println!("attributes: {}", thermostat.metadata().await?.attrs.join(", "));
    thermostat.set("celsius", &21.5).await?;
    let celsius: f64 = thermostat.get("celsius").await?;
    let fahrenheit: f64 = thermostat.get("fahrenheit").await?;
    println!("{celsius} degrees Celsius are {fahrenheit} degrees Fahrenheit");
    if let Err(error) = thermostat.set("celsius", &-300.0).await {
        println!("{error}");
    }
    if thermostat.set("fahrenheit", &70.0).await.is_err_and(|error| error.is("AttributeError")) {
        println!("fahrenheit cannot be set");
    }
    Ok(())
}
