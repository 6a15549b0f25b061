//! `ssl`: both sides show certificates, and the server looks at the client's.

use salamander::prelude::*;
use salamander::{Certificate, Generation, Handshake};

use super::{Printed, Stage};

/// The serial number of the client's certificate.
pub fn client_serial(generation: Generation) -> &'static str {
    match generation {
        Generation::Pyro5 => "1FABD733200A52DCED0702B7A856773F37AAC0E3",
        Generation::Pyro4 => "9BFD9872D96F066C",
    }
}

/// That of the server's.
pub fn server_serial(generation: Generation) -> &'static str {
    match generation {
        Generation::Pyro5 => "63B5A2EB71E2C78CBE4200C7EAB9634E7B669407",
        Generation::Pyro4 => "D163AB82B8B74DE6",
    }
}

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

/// Serves it; the settings of the stage name the certificates.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let serial = client_serial(stage.generation());
    let greet = move |handshake: Handshake| async move {
        check(handshake.certificate.as_ref(), serial)?;
        Ok::<Value, Exception>("hello".into())
    };
    let daemon = stage.builder().on_connect(greet).bind("localhost:0").await?;
    let uri = daemon.register_anonymous(Safe(stage.printed.clone()))?;
    daemon.spawn();
    Ok(uri)
}
