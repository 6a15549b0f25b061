//! Properties: read and set as attributes, one of them read-only.

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

    /// An error here is raised where the attribute is set.
    #[setter]
    fn set_celsius(&mut self, celsius: f64) -> Result<(), Exception> {
        if celsius < -273.15 {
            return Err(Exception::value_error("colder than anything can be"));
        }
        self.celsius = celsius;
        Ok(())
    }

    /// Has no setter.
    #[property]
    fn fahrenheit(&self) -> f64 {
        self.celsius * 1.8 + 32.0
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    recipes::run("attributes", daemon(), call).await
}

async fn daemon() -> Result<(Daemon, Uri)> {
    let daemon = Daemon::bind("localhost:0").await?;
    let uri = daemon.register("example.thermostat", Thermostat { celsius: 20.0 })?;
    Ok((daemon, uri))
}

async fn call(uri: String) -> Result<()> {
    let thermostat = Proxy::new(uri)?;
    thermostat.set("celsius", &21.5).await?;
    let celsius: f64 = thermostat.get("celsius").await?;
    let fahrenheit: f64 = thermostat.get("fahrenheit").await?;
    println!("{celsius} degrees Celsius are {fahrenheit} degrees Fahrenheit");
    for (name, value) in [("celsius", -300.0), ("fahrenheit", 70.0)] {
        if let Err(error) = thermostat.set(name, &value).await {
            println!("{error}");
        }
    }
    Ok(())
}
