//! `filetransfer`: much data, in four ways.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use salamander::prelude::*;
use salamander::{Blob, Generation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Stage;

const FILE_SIZE: usize = 5000 * 11_000;

/// How much goes in the annotations of one item.
fn annotation_size(generation: Generation) -> usize {
    match generation {
        Generation::Pyro5 => 500_000,
        // All annotations of a message have less than 64 KiB there.
        Generation::Pyro4 => 65_000,
    }
}

/// The sizes of what is prepared, by their ids.
type Prepared = Arc<Mutex<HashMap<String, usize>>>;

struct FileServer {
    prepared: Prepared,
    address: SocketAddr,
    annotation_size: usize,
}

#[expose]
impl FileServer {
    fn get_with_pyro(&self, size: usize) -> Blob {
        vec![b'x'; size].into()
    }

    fn iterator(&self, size: usize) -> impl Iterator<Item = Blob> + use<> {
        let chunk = (size / 100).max(1);
        (0..size).step_by(chunk).map(move |at| vec![b'x'; chunk.min(size - at)].into())
    }

    /// The data are in the annotations that come with the items.
    fn annotation_stream(
        &self,
        #[default(false)] _with_checksum: bool,
    ) -> impl Iterator<Item = Result<(usize, u32), Exception>> + use<> {
        let size = self.annotation_size;
        (0..FILE_SIZE).step_by(size).map(move |from| chunk(from, size))
    }

    fn prepare_file_blob(&self, size: usize) -> (String, (String, u16)) {
        let id = uuid::Uuid::new_v4().to_string();
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), size);
        (id, (self.address.ip().to_string(), self.address.port()))
    }
}

fn chunk(from: usize, size: usize) -> Result<(usize, u32), Exception> {
    let size = size.min(FILE_SIZE - from);
    let context = CallContext::current().ok_or_else(|| Exception::runtime_error("nobody asks"))?;
    context.reply_annotation("FDAT", vec![b'1'; size])?;
    Ok((from + size, 0))
}

/// Sends what is prepared to whoever names its id.
async fn send(mut socket: TcpStream, prepared: Prepared) -> std::io::Result<()> {
    let mut id = [0; 36];
    socket.read_exact(&mut id).await?;
    let id = String::from_utf8_lossy(&id).into_owned();
    let size = prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(&id).unwrap_or(0);
    let piece = vec![b'x'; 512_000];
    for at in (0..size).step_by(piece.len()) {
        socket.write_all(&piece[..piece.len().min(size - at)]).await?;
    }
    socket.shutdown().await
}

/// Serves it.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, prepared) = (stage.daemon().await?, Prepared::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = FileServer {
        prepared: prepared.clone(),
        address: listener.local_addr()?,
        annotation_size: annotation_size(stage.generation()),
    };
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(send(socket, prepared.clone()));
        }
    });
    let uri = daemon.register("example.filetransfer", server)?;
    daemon.spawn();
    Ok(uri)
}
