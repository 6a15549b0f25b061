//! What a client speaks shows in its first bytes: they decide which door it goes through.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use salamander_codec::Generation;
use salamander_object::Session;

use super::client::{Client, Door, Recognised};
use super::connection;
use super::scratch;
use super::shared::Shared;
use crate::dialect::Decoder;
use crate::stream::{Stream, within};

/// A client that has connected and not been greeted yet.
pub(super) struct Arrival {
    pub(super) stream: Stream,
    /// What it has sent so far.
    pub(super) input: BytesMut,
    pub(super) shared: Arc<Shared>,
    pub(super) session: Arc<Session>,
    /// There are too many clients: this one is to be told so, and closed.
    pub(super) refused: bool,
    /// The socket was connected by others: there is no handshake.
    pub(super) connected: bool,
}

/// What a client of Pyro 4 begins with: the name and the version of its protocol.
const PYRO4: &[u8] = b"PYRO\x00\x30";

/// What a client speaks.
enum Spoken {
    Pyro(Generation),
    /// What somebody else has a door for.
    Other(Arc<dyn Door>),
}

/// Serves one client, from its first byte until it leaves or the daemon stops.
pub(super) async fn run(stream: Stream, shared: Arc<Shared>, refused: bool) {
    serve(stream, shared, refused, false).await;
}

/// The same for a client whose socket was connected by others.
pub(super) async fn run_connected(stream: Stream, shared: Arc<Shared>) {
    serve(stream, shared, false, true).await;
}

async fn serve(stream: Stream, shared: Arc<Shared>, refused: bool, connected: bool) {
    let timeout = shared.config.comm_timeout();
    let Some(stream) = secured(stream, &shared, timeout).await else { return };
    let session = Arc::new(Session::new(stream.peer()).with_certificate(stream.peer_certificate()));
    let mut arrival = Arrival { stream, input: BytesMut::new(), shared: shared.clone(), session, refused, connected };
    let spoken = tokio::select! {
        () = shared.stopping.cancelled() => return,
        spoken = within(timeout, arrival.recognise(), "handshake") => spoken,
    };
    match spoken {
        Ok(Ok(Some(Spoken::Pyro(generation)))) => connection::run(arrival, generation).await,
        Ok(Ok(Some(Spoken::Other(door)))) => {
            tracing::debug!("client {} comes by {}", arrival.peer_name(), door.name());
            door.serve(Client::new(arrival)).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!("client {}: {error}", arrival.peer_name()),
        Err(error) => tracing::warn!("client {}: {error}", arrival.peer_name()),
    }
}

/// The connection as the settings want it: encrypted, if they do. That stands in front of everything else. Gives nothing
/// where the client cannot do that or may not.
async fn secured(stream: Stream, shared: &Shared, timeout: Option<Duration>) -> Option<Stream> {
    let Some(tls) = &shared.tls else { return Some(stream) };
    tokio::select! {
        () = shared.stopping.cancelled() => None,
        secure = tls.let_in(stream, timeout) => secure,
    }
}

impl Arrival {
    /// Reads until it shows what the client speaks. Gives nothing where it left without a word.
    async fn recognise(&mut self) -> io::Result<Option<Spoken>> {
        loop {
            if self.read(None).await? == 0 {
                return Ok(None);
            }
            if let Some(spoken) = self.spoken() {
                return Ok(Some(spoken));
            }
        }
    }

    /// What the client speaks, as soon as the bytes show it. Whatever nobody knows is Pyro 5's to refuse.
    fn spoken(&self) -> Option<Spoken> {
        let mut undecided = false;
        for door in &self.shared.doors {
            match door.recognise(&self.input) {
                Recognised::Yes => return Some(Spoken::Other(door.clone())),
                Recognised::TooShort => undecided = true,
                Recognised::No => {}
            }
        }
        let generation = match Recognised::prefix(&self.input, PYRO4) {
            Recognised::Yes => Generation::Pyro4,
            Recognised::No => Generation::Pyro5,
            Recognised::TooShort => return None,
        };
        (!undecided).then_some(Spoken::Pyro(generation))
    }

    /// Reads what comes next, up to what a decoder is waiting for; gives 0 at the end. A client that says nothing holds no
    /// buffer.
    pub(super) async fn read(&mut self, decoder: Option<&Decoder>) -> io::Result<usize> {
        std::future::poll_fn(|cx| {
            if self.input.is_empty() {
                self.input = scratch::input();
            }
            let read = match decoder {
                Some(decoder) => self.stream.poll_read(cx, decoder, &mut self.input),
                None => self.stream.poll_fill(cx, &mut self.input),
            };
            if read.is_pending() && self.input.is_empty() {
                scratch::give_input(&mut self.input);
            }
            read
        })
        .await
    }

    /// How the logs call the client.
    pub(super) fn peer_name(&self) -> String {
        connection::peer_name(&self.session)
    }
}
