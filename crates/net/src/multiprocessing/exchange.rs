//! Both ends show that they have the key, or part within a bound.

use rustls::crypto::ring;
use salamander_wire::multiprocessing::{AuthKey, KeyExchange, MAX_EXCHANGED, RANDOM_LEN, Role};
use salamander_wire::{WireError, WireErrorKind};

use super::connection::Connection;
use super::options::Options;
use crate::error::{Error, Kind, Result};
use crate::stream::within;

/// Shows the key and is shown it.
///
/// # Errors
/// Where the other end has another key, or none, or says nothing; the connection is of no further use then.
pub(super) async fn run(connection: &mut Connection, key: AuthKey, role: Role, options: &Options) -> Result<()> {
    let mut exchange = KeyExchange::new(key, role, random()?);
    if options.without_md5 {
        exchange = exchange.without_md5();
    }
    let doing = "showing the authkey (perhaps the other end has none)";
    within(Some(options.key_timeout), exchanged(connection, &mut exchange), doing).await?
}

async fn exchanged(connection: &mut Connection, exchange: &mut KeyExchange) -> Result<()> {
    loop {
        while let Some(message) = exchange.take_message() {
            connection.send_bytes(message).await?;
        }
        if exchange.is_done() {
            return Ok(());
        }
        let Some(message) = connection.recv_bytes_up_to(MAX_EXCHANGED).await? else {
            return Err(Error::new(Kind::Refused, "the other end left before the authkey was shown"));
        };
        if let Err(error) = exchange.receive(&message) {
            if let Some(message) = exchange.take_message() {
                // It may have gone already.
                let _ = connection.send_bytes(message).await;
            }
            return Err(of_wire(&error));
        }
    }
}

fn random() -> Result<[u8; RANDOM_LEN]> {
    let mut bytes = [0; RANDOM_LEN];
    let filled = ring::default_provider().secure_random.fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| Error::connection("the system has no random bytes"))
}

/// What is wrong with a frame or a key.
pub(super) fn of_wire(error: &WireError) -> Error {
    let kind = match error.kind() {
        WireErrorKind::Authentication => Kind::Refused,
        _ => Kind::Protocol,
    };
    Error::with_exception(kind, error.exception())
}
