//! `diffie-hellman`: a key that both sides know and that was never sent.

use salamander::prelude::*;
use salamander::{BigInt, InstanceMode};
use sha2::{Digest, Sha256};

use super::{Printed, Stage};

/// Group 14 of RFC 3526.
const PRIME: &str = concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
);

struct KeyExchange {
    prime: BigInt,
    private: BigInt,
    printed: Printed,
}

#[expose]
impl KeyExchange {
    fn exchange_key(&self, other_public_key: Value) -> Result<Value, Exception> {
        let Value::BigInt(other_public_key) = other_public_key else {
            return Err(Exception::value_error("other key is not a valid public key"));
        };
        let secret = other_public_key.modpow(&self.private, &self.prime);
        let (_, mut bytes) = secret.to_bytes_be();
        // As many bytes as hold the number and its sign.
        if secret.bits() % 8 == 0 {
            bytes.insert(0, 0);
        }
        let key: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        self.printed.line(format_args!("shared secret key =  {key}"));
        Ok(BigInt::from(2).modpow(&self.private, &self.prime).into())
    }
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let daemon = stage.daemon().await?;
    let printed = stage.printed.clone();
    let make = move |_: &CallContext| {
        let prime = BigInt::parse_bytes(PRIME.as_bytes(), 16).ok_or_else(|| Exception::value_error("no prime"))?;
        let random = || BigInt::from(uuid::Uuid::new_v4().as_u128());
        let private = (0..5).fold(BigInt::from(1), |private, _| private * random());
        Ok::<_, Exception>(KeyExchange { prime, private, printed: printed.clone() })
    };
    let uri = daemon.register_class("example.dh.keyexchange", InstanceMode::Session, make)?;
    stage.names().await?.register("example.dh.keyexchange", &uri).await?;
    daemon.spawn();
    Ok(uri)
}
