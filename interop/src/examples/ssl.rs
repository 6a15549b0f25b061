//! `ssl`: both sides show certificates, and the server looks at the client's.

use salamander::prelude::*;
use salamander::{Certificate, Handshake};

use super::{Printed, Stage};

/// The serial number of the client's certificate.
pub const CLIENT_SERIAL: &str = "1FABD733200A52DCED0702B7A856773F37AAC0E3";
/// That of the server's.
pub const SERVER_SERIAL: &str = "63B5A2EB71E2C78CBE4200C7EAB9634E7B669407";

struct Safe(Printed);

#[expose]
impl Safe {
    fn echo(&self, message: &str) -> &'static str {
        self.0.line(format_args!("got message: {message}"));
        "hi!"
    }
}

/// Says why a certificate is not the right one.
///
/// # Errors
/// Where it is not.
pub fn check(certificate: Option<&Certificate>, serial: &str) -> Result<(), Exception> {
    let wrong = |what: &str| Exception::pyro("CommunicationError", format!("cert {what}"));
    let certificate = certificate.ok_or_else(|| wrong("missing"))?;
    if certificate.serial_number() != serial {
        return Err(wrong("serial number incorrect"));
    }
    if certificate.issuer().get("organizationName") != Some("Razorvine.net") {
        return Err(wrong("not issued by Razorvine.net"));
    }
    if certificate.subject().get("countryName") != Some("NL") {
        return Err(wrong("not for country NL"));
    }
    Ok(())
}

async fn greet(handshake: Handshake) -> Result<Value, Exception> {
    check(handshake.certificate.as_ref(), CLIENT_SERIAL)?;
    Ok("hello".into())
}

/// Serves it; the settings of the stage name the certificates.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.builder().on_connect(greet).bind("localhost:0").await?;
    let uri = daemon.register_anonymous(Safe(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
