//! Private keys, encrypted or not, in the forms that OpenSSL writes.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::PrivateKeyDer;

/// Why a key cannot be had.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    /// It is encrypted, and there is no password.
    NoPassword,
    /// The password is wrong.
    Password,
    /// It is of a kind that is not known here, which is said.
    Unknown(String),
}

/// Reads a private key. The password is used where the key is encrypted, and not looked at where it is not.
pub(super) fn read(block: &Pem, password: &str) -> Result<PrivateKeyDer<'static>, Wrong> {
    if block.tag() == "ENCRYPTED PRIVATE KEY" {
        return of_pkcs8(block.contents(), password);
    }
    let is_encrypted = block.headers().get("Proc-Type").is_some_and(|kind| kind.contains("ENCRYPTED"));
    let der = match is_encrypted {
        false => block.contents().to_vec(),
        true => of_traditional(block, password)?,
    };
    match block.tag() {
        "PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs8(der.into())),
        // What begins with the header of a sequence has been decrypted well; padding alone may be right by chance.
        _ if is_encrypted && der.first() != Some(&0x30) => Err(Wrong::Password),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        other => Err(Wrong::Unknown(format!("has a key of the kind {other}, which is not supported"))),
    }
}

/// PKCS#8 with one of the schemes of PKCS#5.
fn of_pkcs8(der: &[u8], password: &str) -> Result<PrivateKeyDer<'static>, Wrong> {
    let unknown = |error: &dyn std::fmt::Display| {
        Wrong::Unknown(format!("has a key that is encrypted in a way that is not supported ({error})"))
    };
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|error| unknown(&error))?;
    if password.is_empty() {
        return Err(Wrong::NoPassword);
    }
    match info.decrypt(password) {
        Ok(document) => Ok(PrivateKeyDer::Pkcs8(document.as_bytes().to_vec().into())),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid })) => {
            Err(unknown(&oid))
        }
        Err(_) => Err(Wrong::Password),
    }
}

/// The form before PKCS#8: the cipher and its first block stand in a header, and the key is made of the password by MD5.
fn of_traditional(block: &Pem, password: &str) -> Result<Vec<u8>, Wrong> {
    if password.is_empty() {
        return Err(Wrong::NoPassword);
    }
    let header = block.headers().get("DEK-Info").unwrap_or_default();
    let unknown = || Wrong::Unknown(format!("has a key that is encrypted in a way that is not supported ({header})"));
    let (cipher, iv) = header.split_once(',').ok_or_else(unknown)?;
    let iv = of_hex(iv.trim()).ok_or_else(unknown)?;
    let salt = iv.get(..8).ok_or_else(unknown)?;
    let data = block.contents();
    match cipher.trim() {
        "AES-256-CBC" => decrypt::<Decryptor<Aes256>>(&derive(password, salt, 32), &iv, data),
        "AES-192-CBC" => decrypt::<Decryptor<Aes192>>(&derive(password, salt, 24), &iv, data),
        "AES-128-CBC" => decrypt::<Decryptor<Aes128>>(&derive(password, salt, 16), &iv, data),
        "DES-EDE3-CBC" => decrypt::<Decryptor<TdesEde3>>(&derive(password, salt, 24), &iv, data),
        _ => return Err(unknown()),
    }
    .ok_or(Wrong::Password)
}

/// OpenSSL's way from a password to a key: MD5 over what there was before, the password and the salt, again and again.
fn derive(password: &str, salt: &[u8], length: usize) -> Vec<u8> {
    let mut key = Vec::new();
    let mut block: Vec<u8> = Vec::new();
    while key.len() < length {
        let mut hash = Md5::new();
        hash.update(&block);
        hash.update(password);
        hash.update(salt);
        block = hash.finalize().to_vec();
        key.extend_from_slice(&block);
    }
    key.truncate(length);
    key
}

fn decrypt<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    C::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok()
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files that OpenSSL 3.0 wrote; the password is sesame.
    macro_rules! file {
        ($name:literal) => {
            include_str!(concat!("testdata/", $name))
        };
    }

    fn of(text: &str, password: &str) -> Result<Vec<u8>, Wrong> {
        let blocks = pem::parse_many(text).unwrap();
        let block = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")).unwrap();
        read(block, password).map(|key| key.secret_der().to_vec())
    }

    const TRADITIONAL: &[&str] = &[
        file!("rsa_traditional_aes128.pem"),
        file!("rsa_traditional_aes192.pem"),
        file!("rsa_traditional_aes256.pem"),
        file!("rsa_traditional_des3.pem"),
    ];
    const PKCS8: &[&str] =
        &[file!("rsa_pkcs8_aes256.pem"), file!("rsa_pkcs8_des3.pem"), file!("rsa_pkcs8_scrypt.pem")];

    #[test]
    fn encrypted_keys_are_the_same_as_plain_ones() {
        let (pkcs8, pkcs1) =
            (of(file!("rsa.pem"), "").unwrap(), of(file!("rsa_pkcs1.pem"), "not looked at").unwrap());
        for text in TRADITIONAL {
            assert!(of(text, "sesame").unwrap() == pkcs1, "{text}");
        }
        for text in PKCS8 {
            assert!(of(text, "sesame").unwrap() == pkcs8, "{text}");
        }
        assert_eq!(of(file!("ec.pem"), "").unwrap().len(), 121);
    }

    #[test]
    fn a_wrong_password_or_none_is_told() {
        for text in TRADITIONAL.iter().chain(PKCS8) {
            assert_eq!(of(text, "open"), Err(Wrong::Password), "{text}");
            assert_eq!(of(text, ""), Err(Wrong::NoPassword), "{text}");
        }
    }

    #[test]
    fn what_is_encrypted_in_another_way_is_told() {
        for text in [file!("rsa_traditional_camellia256.pem"), file!("rsa_pkcs8_pbe.pem")] {
            let wrong = of(text, "sesame").unwrap_err();
            assert!(matches!(wrong, Wrong::Unknown(_)), "{wrong:?}");
        }
        let broken = file!("rsa_traditional_aes256.pem").replace("AES-256-CBC,A", "AES-256-CBC,\u{e9}");
        assert!(matches!(of(&broken, "sesame"), Err(Wrong::Unknown(_))));
    }
}
