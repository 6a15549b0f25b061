//! The bytes of a file, to whoever says something.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{hang_up, in_time};

/// What clients say by custom.
pub const GREETING: &str = "Hello server!";

/// How much of what a client says is waited for.
const MOST_SAID: usize = 1024;
/// How much is read and sent at once.
const CHUNK: u64 = 64 * 1024;

/// Opens the file; only a regular one, because others may wait for ever.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    File::open(path)
}

pub(super) async fn serve(mut stream: TcpStream, path: &Path, patience: Duration) -> io::Result<()> {
    // Whatever it says; as the lessons have it, one read.
    if in_time(patience, stream.read(&mut [0; MOST_SAID])).await? == 0 {
        return Ok(());
    }
    let path = path.to_owned();
    let mut file = in_thread(move || open(&path)).await?;
    loop {
        let (rest, chunk) = in_thread(move || {
            let mut chunk = Vec::new();
            (&file).take(CHUNK).read_to_end(&mut chunk)?;
            Ok((file, chunk))
        })
        .await?;
        if chunk.is_empty() {
            return hang_up(stream, patience).await;
        }
        file = rest;
        let mut chunk = &chunk[..];
        // A slow client may take longer for all of it, as long as it takes some.
        while !chunk.is_empty() {
            in_time(patience, stream.write_buf(&mut chunk)).await?;
        }
    }
}

async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Says [`GREETING`] to a server at `host:port`, and gives what it sends, piece by piece, until it closes the connection; at most so many
/// bytes. How many they were comes back. Nothing tells whether they are all: who needs to know transfers files in another way.
///
/// # Errors
/// Where the server cannot be reached or is silent for too long, where it sends more, and what `take` gives.
pub async fn fetch_file(
    address: &str,
    most: u64,
    patience: Duration,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut stream = in_time(patience, TcpStream::connect(address)).await?;
    in_time(patience, stream.write_all(GREETING.as_bytes())).await?;
    let mut buffer = vec![0; 64 * 1024];
    let mut come = 0;
    loop {
        let read = in_time(patience, stream.read(&mut buffer)).await?;
        if read == 0 {
            return Ok(come);
        }
        come += read as u64;
        if come > most {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the server sends more than {most} bytes"),
            ));
        }
        take(&buffer[..read])?;
    }
}
