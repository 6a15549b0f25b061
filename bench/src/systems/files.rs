//! A file from one process to another: by our transfer, and by a plain copy over a socket, with the same checksum.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use salamander::files::{FileServer, Transfer};
use salamander::prelude::*;
use salamander_bench_harness::{Args, Failure, Step, client as run_client, server as run_server};
use sha2::{Digest, Sha256};

/// The name of the file at both ends.
pub const NAME: &str = "file";
/// What a plain copy reads and writes at once: what `cp` and Python's `shutil` have.
const CHUNK: usize = 256 * 1024;

pub fn server(args: &Args) -> Result<(), Failure> {
    let folder = PathBuf::from(args.text("folder")?);
    let plain = args.text("way")? == "plain";
    run_server(args, async move |ready| {
        if plain {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            ready(&listener.local_addr()?.to_string());
            return tokio::task::spawn_blocking(move || serve(&listener, &folder)).await?;
        }
        let daemon = Daemon::bind("127.0.0.1:0").await?;
        let uri = daemon.register("files", FileServer::new(&folder)?.uploads(true).overwrite(true))?;
        ready(&uri.to_string());
        daemon.serve().await?;
        Ok(())
    })
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let folder = PathBuf::from(args.text("folder")?);
    let (address, send) = (args.text("address")?.to_owned(), args.text("load")? == "send");
    let (plain, fsync) = (args.text("way")? == "plain", args.get("fsync")?.unwrap_or(false));
    let chunk: u64 = args.get("chunk")?.unwrap_or(0);
    run_client(args, async || {
        let way = if plain {
            Way::Plain(address)
        } else {
            let transfer = Transfer::new(&Proxy::new(&address)?).fsync(fsync);
            Way::Ours(if chunk > 0 { transfer.chunk(chunk) } else { transfer })
        };
        Ok(vec![Load { way, path: folder.join(NAME), send, fsync }])
    })
}

struct Load {
    way: Way,
    path: PathBuf,
    send: bool,
    fsync: bool,
}

enum Way {
    Ours(Transfer),
    Plain(String),
}

impl Step for Load {
    /// A whole file; gives its MiB.
    async fn step(&mut self) -> Result<u64, Failure> {
        let (path, send, fsync) = (self.path.clone(), self.send, self.fsync);
        let bytes = match &self.way {
            Way::Ours(transfer) if send => transfer.send(&path, NAME).await?.size,
            Way::Ours(transfer) => transfer.receive(NAME, &path).await?.size,
            Way::Plain(address) => {
                let stream = TcpStream::connect(address)?;
                tokio::task::spawn_blocking(move || ask(stream, &path, send, fsync)).await??
            }
        };
        Ok(bytes >> 20)
    }
}

/// Asks for the file, or sends it: a byte tells which, and one whether the disk is waited for.
fn ask(mut stream: TcpStream, path: &Path, send: bool, fsync: bool) -> Result<u64, Failure> {
    stream.write_all(&[u8::from(send), u8::from(fsync)])?;
    if send { give(&mut stream, path) } else { take(&mut stream, path, fsync) }
}

fn serve(listener: &TcpListener, folder: &Path) -> Result<(), Failure> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut asked = [0; 2];
        stream.read_exact(&mut asked)?;
        let path = folder.join(NAME);
        if asked[0] == 0 { give(&mut stream, &path) } else { take(&mut stream, &path, asked[1] == 1) }?;
    }
}

/// The length, the bytes, the checksum; and waits for a byte that says that they are there.
fn give(stream: &mut TcpStream, path: &Path) -> Result<u64, Failure> {
    let mut file = File::open(path)?;
    let (size, mut sum, mut buffer) = (file.metadata()?.len(), Sha256::new(), vec![0; CHUNK]);
    stream.write_all(&size.to_be_bytes())?;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
        stream.write_all(&buffer[..read])?;
    }
    stream.write_all(&sum.finalize())?;
    stream.read_exact(&mut [0])?;
    Ok(size)
}

fn take(stream: &mut TcpStream, path: &Path, fsync: bool) -> Result<u64, Failure> {
    let mut size = [0; 8];
    stream.read_exact(&mut size)?;
    let size = u64::from_be_bytes(size);
    let part = path.with_extension("part");
    let (mut file, mut sum, mut buffer, mut left) = (File::create(&part)?, Sha256::new(), vec![0; CHUNK], size);
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left)?);
        let read = stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err("the other side has gone".into());
        }
        sum.update(&buffer[..read]);
        file.write_all(&buffer[..read])?;
        left -= read as u64;
    }
    let mut theirs = [0; 32];
    stream.read_exact(&mut theirs)?;
    if theirs != sum.finalize()[..] {
        return Err("the checksum is another".into());
    }
    if fsync {
        file.sync_all()?;
        File::open(path.parent().ok_or("no folder")?)?.sync_all()?;
    }
    std::fs::rename(part, path)?;
    stream.write_all(&[0])?;
    Ok(size)
}
