//! [`KeyExchange`]: how both ends show that they have the key.

use bytes::Bytes;

use super::digest::{AuthKey, Digest};
use crate::WireError;

/// What a challenge begins with. Random bytes follow, behind the name of a digest from Python 3.12 on.
pub const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// How many random bytes a [`KeyExchange`] needs.
pub const RANDOM_LEN: usize = 40;

/// How large the messages of an exchange are at most.
pub const MAX_EXCHANGED: usize = 256;

/// How many random bytes Python has up to 3.11, where no digest is named.
const OLD_CHALLENGE_LEN: usize = 20;

/// Which end of the connection this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has accepted the connection, and challenges the other end first.
    Server,
    /// It has opened the connection.
    Client,
}

/// The messages by which both ends of a connection show each other that they have the same key, before anything else.
///
/// The server challenges the client with random bytes, of which the client sends a digest made with the key; then the same
/// the other way round. Both ends may send digests of either kind: from Python 3.12 on, a challenge names the digest that is wanted,
/// and the digest covers that name; before, it is always MD5's. Our challenges are the newer ones, which older ends take for random bytes
/// altogether and answer by MD5.
///
/// What this does not do, because the protocol has it so: who sits between two ends and passes their messages on is not
/// noticed, and nothing that follows is signed or hidden.
///
/// It does nothing by itself: hand it every message that comes in, and send what it has to say, after an error too.
///
/// ```
/// use salamander_wire::multiprocessing::{AuthKey, KeyExchange, Role};
///
/// let key = AuthKey::new(*b"secret").unwrap();
/// let mut server = KeyExchange::new(key.clone(), Role::Server, [1; 40]);
/// let mut client = KeyExchange::new(key, Role::Client, [2; 40]);
/// while !(server.is_done() && client.is_done()) {
///     while let Some(message) = server.take_message() {
///         client.receive(&message)?;
///     }
///     while let Some(message) = client.take_message() {
///         server.receive(&message)?;
///     }
/// }
/// # Ok::<(), salamander_wire::WireError>(())
/// ```
#[derive(Debug)]
pub struct KeyExchange {
    key: AuthKey,
    role: Role,
    /// Our own challenge, without the words before it.
    challenge: Vec<u8>,
    allows_md5: bool,
    state: State,
    /// What is to be sent next.
    message: Option<Bytes>,
}

/// What comes next from the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The digest of our challenge.
    Answer,
    /// A challenge.
    Challenge,
    /// Whether our digest is right.
    Verdict,
    /// Nothing: both have the key.
    Done,
    /// Nothing: it has failed.
    Failed,
}

impl KeyExchange {
    /// The beginning of an exchange. The random bytes must be unpredictable, and others each time.
    pub fn new(key: AuthKey, role: Role, random: [u8; RANDOM_LEN]) -> Self {
        let challenge = [b"{", Digest::Sha256.name().as_bytes(), b"}", &random].concat();
        let mut exchange = Self { key, role, challenge, allows_md5: true, state: State::Challenge, message: None };
        if role == Role::Server {
            exchange.deliver();
        }
        exchange
    }

    /// Refuses digests by MD5, and with them all ends up to Python 3.11.
    #[must_use]
    pub fn without_md5(mut self) -> Self {
        self.allows_md5 = false;
        self
    }

    /// Takes what is to be sent next, if there is anything.
    pub fn take_message(&mut self) -> Option<Bytes> {
        self.message.take()
    }

    /// Whether both ends have shown that they have the key, so that nothing more is to be received.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes a message of the other end.
    ///
    /// # Errors
    /// Where the other end has another key or refuses ours, or does not keep to the protocol. The connection is of no further use when
    /// what is left to be said has been sent.
    pub fn receive(&mut self, message: &[u8]) -> Result<(), WireError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        match state {
            State::Answer => {
                if let Err(error) = self.verify(message) {
                    self.message = Some(Bytes::from_static(FAILURE));
                    return Err(error);
                }
                self.message = Some(Bytes::from_static(WELCOME));
                self.state = if self.role == Role::Server { State::Challenge } else { State::Done };
            }
            State::Challenge => {
                let answer = self.answer(message)?;
                self.message = Some(answer.into());
                self.state = State::Verdict;
            }
            State::Verdict if message != WELCOME => {
                return Err(WireError::unauthentic("the other end does not accept the authkey: it has another"));
            }
            State::Verdict if self.role == Role::Client => self.deliver(),
            State::Verdict => self.state = State::Done,
            State::Done | State::Failed => {
                return Err(WireError::unauthentic("nothing more is awaited of the other end"));
            }
        }
        Ok(())
    }

    fn deliver(&mut self) {
        self.message = Some([CHALLENGE, &self.challenge].concat().into());
        self.state = State::Answer;
    }

    /// Whether this answers our challenge.
    fn verify(&self, answer: &[u8]) -> Result<(), WireError> {
        let (digest, given) = match Digest::named(answer) {
            Some(named) => named,
            // An end that does not know the names of digests.
            None if answer.len() == MD5_LEN => (Digest::Md5, answer),
            None => {
                return Err(WireError::unauthentic("the other end does not answer the challenge: it has no authkey"));
            }
        };
        if digest == Digest::Md5 && !self.allows_md5 {
            return Err(WireError::unauthentic("the other end answers by MD5, which is not allowed here"));
        }
        if self.key.verify(digest, &self.challenge, given) {
            Ok(())
        } else {
            Err(WireError::unauthentic("the other end has another authkey"))
        }
    }

    /// The answer to a challenge.
    fn answer(&self, message: &[u8]) -> Result<Vec<u8>, WireError> {
        let no_challenge = || WireError::unauthentic("the other end sends no challenge: it has no authkey");
        let challenge = message.strip_prefix(CHALLENGE).ok_or_else(no_challenge)?;
        if challenge.len() == OLD_CHALLENGE_LEN {
            if !self.allows_md5 {
                return Err(WireError::unauthentic("the other end asks for MD5, which is not allowed here"));
            }
            return Ok(self.key.digest(Digest::Md5, challenge));
        }
        match Digest::named(challenge) {
            Some((digest, random)) if challenge.len() > OLD_CHALLENGE_LEN && !random.is_empty() => {
                if digest == Digest::Md5 && !self.allows_md5 {
                    return Err(WireError::unauthentic("the other end asks for MD5, which is not allowed here"));
                }
                // The name of the digest is covered, so that nobody can exchange it on the way.
                let answer = self.key.digest(digest, challenge);
                Ok([b"{", digest.name().as_bytes(), b"}", &answer].concat())
            }
            _ => Err(WireError::unauthentic("a challenge that names no known digest")),
        }
    }
}

const MD5_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiprocessing::recorded::{DIGESTS, KEY, NEW, NEW_REFUSED, OLD, OLD_ANSWER, OLD_REFUSED};

    fn random(role: Role) -> [u8; RANDOM_LEN] {
        let start = if role == Role::Server { 0 } else { 128 };
        std::array::from_fn(|at| start + at as u8)
    }

    fn end(key: &[u8], role: Role) -> KeyExchange {
        KeyExchange::new(AuthKey::new(key).unwrap(), role, random(role))
    }

    /// Plays one end against what Python's sent; gives what ours sent.
    fn play(ours: &mut KeyExchange, theirs: &[(Role, &[u8])]) -> (Vec<Bytes>, Result<(), WireError>) {
        let mut sent: Vec<Bytes> = ours.take_message().into_iter().collect();
        let role = ours.role;
        for (_, message) in theirs.iter().filter(|(from, _)| *from != role) {
            let done = ours.receive(message);
            sent.extend(ours.take_message());
            if done.is_err() {
                return (sent, done);
            }
        }
        (sent, Ok(()))
    }

    fn of(role: Role, messages: &[(Role, &'static [u8])]) -> Vec<Bytes> {
        messages.iter().filter(|(from, _)| *from == role).map(|(_, message)| Bytes::from_static(message)).collect()
    }

    #[test]
    fn it_says_what_python_3_13_says() {
        for role in [Role::Server, Role::Client] {
            let mut ours = end(KEY, role);
            let (sent, done) = play(&mut ours, NEW);
            assert!(done.is_ok() && ours.is_done());
            assert_eq!(sent, of(role, NEW), "{role:?}");
        }
        let mut ours = end(KEY, Role::Server);
        let (sent, done) = play(&mut ours, NEW_REFUSED);
        assert_eq!(sent, of(Role::Server, NEW_REFUSED));
        assert_eq!(done.unwrap_err().to_string(), "the other end has another authkey");
        let mut ours = end(b"another", Role::Client);
        let (sent, done) = play(&mut ours, NEW_REFUSED);
        assert_eq!(sent, of(Role::Client, NEW_REFUSED));
        assert_eq!(done.unwrap_err().kind(), crate::WireErrorKind::Authentication);
        assert!(!ours.is_done() && ours.receive(b"#WELCOME#").is_err());
    }

    #[test]
    fn it_gets_along_with_python_3_11() {
        // What 3.11 answers to our challenge, which is of the newer kind.
        let mut server = end(KEY, Role::Server);
        assert!(server.take_message().is_some());
        server.receive(OLD_ANSWER).unwrap();
        assert_eq!(server.take_message().unwrap(), WELCOME);
        // Then its challenge, and what the server of 3.11 answered to that.
        server.receive(OLD[3].1).unwrap();
        assert_eq!(server.take_message().unwrap(), OLD[4].1);
        server.receive(OLD[5].1).unwrap();
        assert!(server.is_done());
        let mut client = end(KEY, Role::Client);
        assert!(client.take_message().is_none());
        client.receive(OLD[0].1).unwrap();
        assert_eq!(client.take_message().unwrap(), OLD[1].1);
        client.receive(WELCOME).unwrap();
        assert!(client.take_message().unwrap().starts_with(b"#CHALLENGE#{sha256}"));
        let mut other = end(b"another", Role::Client);
        assert_eq!(play(&mut other, OLD_REFUSED).0, of(Role::Client, OLD_REFUSED));
        assert!(end(KEY, Role::Server).without_md5().receive(OLD_ANSWER).is_err());
        assert!(end(KEY, Role::Client).without_md5().receive(OLD[0].1).is_err());
    }

    #[test]
    fn it_answers_by_the_digest_that_is_asked_for() {
        for (challenge, answer) in DIGESTS {
            let mut client = end(KEY, Role::Client);
            client.receive(&[CHALLENGE, challenge].concat()).unwrap();
            assert_eq!(client.take_message().unwrap(), answer);
            // The client may choose another digest than the one that is asked for.
            let mut server = end(KEY, Role::Server);
            let taken = server.receive(answer);
            assert_eq!(taken.is_ok(), challenge.starts_with(b"{sha256}"), "{challenge:?}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_an_answer_or_a_challenge() {
        for answer in [
            &b""[..],
            b"#CHALLENGE#01234567890123456789",
            b"0123456789012345",
            b"01234567890123456789",
            b"{sha256}",
            b"{sha256}01234567890123456789012345678901",
            b"{md5}0123456789012345",
            b"{sha1}01234567890123456789",
            b"\x80\x05K\x01.",
            b"#WELCOME#",
        ] {
            let mut server = end(KEY, Role::Server);
            server.take_message();
            let error = server.receive(answer).unwrap_err();
            assert_eq!(error.exception().class(), "multiprocessing.context.AuthenticationError");
            assert_eq!(server.take_message().unwrap(), FAILURE);
            assert!(!server.is_done() && server.receive(answer).is_err());
        }
        for challenge in [
            &b""[..],
            b"#CHALLENGE#",
            b"#CHALLENGE#0123456789012345",
            b"#CHALLENGE#012345678901234567890",
            b"#CHALLENGE#{sha256}0123456789",
            b"#CHALLENGE#{sha1}0123456789012345678901234567890123456789",
            b"#WELCOME#",
            b"\x80\x05K\x01.",
        ] {
            let mut client = end(KEY, Role::Client);
            assert!(client.receive(challenge).is_err(), "{challenge:?}");
            assert_eq!(client.take_message(), None);
        }
    }

    #[test]
    fn what_an_end_says_itself_shows_it_nothing() {
        // A client that has no key gives the server's own challenge back.
        let mut server = end(KEY, Role::Server);
        let challenge = server.take_message().unwrap();
        assert!(server.receive(&challenge).is_err());
        // A server that has no key repeats the answer to its own challenge.
        let mut client = end(KEY, Role::Client);
        client.receive(NEW[0].1).unwrap();
        let answer = client.take_message().unwrap();
        client.receive(WELCOME).unwrap();
        assert!(client.receive(&answer).is_err());
    }
}
