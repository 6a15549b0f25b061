//! The greeting: the first 64 bytes of both ends.

use crate::WireError;

/// How many bytes a greeting has.
pub const GREETING_LEN: usize = 64;

const VERSION_AT: usize = 10;
const MECHANISM_AT: usize = 12;
const MECHANISM_END: usize = 32;

/// The only mechanism that is spoken here: nobody shows who he is.
const NULL: &[u8] = b"NULL";

/// Our greeting: 3.1, `NULL`. Between the ends of the signature stands, for sockets of long ago, the length of an identity.
pub(super) fn ours() -> [u8; GREETING_LEN] {
    let mut greeting = [0; GREETING_LEN];
    greeting[..VERSION_AT].copy_from_slice(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]);
    greeting[VERSION_AT..MECHANISM_AT].copy_from_slice(&[3, 1]);
    greeting[MECHANISM_AT..MECHANISM_AT + NULL.len()].copy_from_slice(NULL);
    greeting
}

/// Refuses what cannot become a greeting that we understand, as soon as the bytes that have come show it.
pub(super) fn check(bytes: &[u8]) -> Result<(), WireError> {
    let at = |index: usize| bytes.get(index).copied();
    if at(0).is_some_and(|byte| byte != 0xff) || at(9).is_some_and(|byte| byte & 1 == 0) {
        return Err(WireError::zmtp("the other end does not speak ZeroMQ's protocol, or one before ZMTP 3"));
    }
    if let Some(version) = at(VERSION_AT).filter(|version| *version < 3) {
        return Err(WireError::zmtp(format!("the other end speaks a version before ZMTP 3 ({version})")));
    }
    let Some(mechanism) = bytes.get(MECHANISM_AT..MECHANISM_END) else { return Ok(()) };
    let end = mechanism.iter().position(|byte| *byte == 0).unwrap_or(mechanism.len());
    match &mechanism[..end] {
        NULL => Ok(()),
        other => Err(WireError::zmtp(format!(
            "the other end wants the mechanism '{}': only NULL is spoken here",
            other.escape_ascii()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libzmq 4.3.5 sends.
    const THEIRS: &[u8; GREETING_LEN] =
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn it_is_that_of_libzmq() {
        assert_eq!(&ours(), THEIRS);
        for end in 0..=GREETING_LEN {
            assert!(check(&THEIRS[..end]).is_ok(), "{end}");
        }
    }

    #[test]
    fn what_is_none_is_refused_as_soon_as_that_shows() {
        let changed = |at: usize, bytes: &[u8]| {
            let mut greeting = ours();
            greeting[at..at + bytes.len()].copy_from_slice(bytes);
            greeting.to_vec()
        };
        for (bytes, shows_at, words) in [
            (b"GET / HTTP/1.1".to_vec(), 1, "does not speak"),
            (changed(9, b"\x7e"), 10, "does not speak"),
            (changed(10, b"\x01"), 11, "a version before ZMTP 3 (1)"),
            (changed(12, b"PLAIN"), 32, "'PLAIN'"),
            (changed(12, b"CURVE"), 32, "'CURVE'"),
            (changed(12, b"NULLNULLNULLNULLNULL"), 32, "NULLNULL"),
            (changed(12, b"\0\xff"), 32, "''"),
        ] {
            assert!(check(&bytes[..shows_at - 1]).is_ok());
            let error = check(&bytes[..shows_at]).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
