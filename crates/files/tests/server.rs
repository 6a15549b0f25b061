//! A file server and its clients, in one process.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use salamander_files::{FileServer, Kind, PART, Transfer};
use salamander_net::{Blob, Codec, Daemon, DaemonHandle, Proxy, Result, Value};

struct Served {
    folder: PathBuf,
    daemon: DaemonHandle,
    proxy: Proxy,
}

impl Served {
    async fn new(name: &str, options: impl FnOnce(FileServer) -> FileServer) -> Self {
        let folder = std::env::temp_dir().join(format!("salamander-server-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let daemon = Daemon::bind("localhost:0").await.unwrap();
        let uri = daemon.register("files", options(FileServer::new(&folder).unwrap())).unwrap();
        let proxy = Proxy::new(uri.to_string()).unwrap().with_serializer(Codec::Msgpack);
        Self { folder, daemon: daemon.spawn(), proxy }
    }

    fn write(&self, name: &str, contents: &[u8]) {
        std::fs::write(self.folder.join(name), contents).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn begin(&self, proxy: &Proxy, name: &str, size: u64) -> Result<(String, u64)> {
        let begun: BTreeMap<String, Value> = proxy.call("begin", (name, size)).await?;
        Ok((begun["upload"].as_str().unwrap().to_owned(), salamander_value::from_value(&begun["offset"])?))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.daemon.shutdown();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn bytes(from: u8, length: usize) -> Blob {
    Blob::from((0..length).map(|n| from.wrapping_add((n % 251) as u8)).collect::<Vec<u8>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_another_order_waits_for_its_turn() {
    let served = Served::new("order", |files| files.uploads(true)).await;
    let (upload, _) = served.begin(&served.proxy, "file", 30_000).await.unwrap();
    let write = |offset: u64, from: u8| {
        let (proxy, upload) = (served.proxy.clone(), upload.clone());
        async move { proxy.call::<u64>("write", (upload, bytes(from, 10_000), offset)).await }
    };
    let (third, second, first) = tokio::join!(write(20_000, 3), write(10_000, 2), write(0, 1));
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (10_000, 20_000, 30_000));
    let again = write(10_000, 2).await.unwrap_err();
    assert!(again.is("ValueError"), "{again}");
    served.proxy.call::<Value>("finish", (&upload,)).await.unwrap();
    let all = [1, 2, 3].map(|from| bytes(from, 10_000).to_vec()).concat();
    assert!(served.read("file") == all && served.names() == ["file"]);
    let over = served.proxy.call::<Value>("finish", (&upload,)).await.unwrap_err();
    assert!(over.is("KeyError"), "{over}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_with_its_client_and_goes_on_with_another() {
    let served = Served::new("client", |files| files.uploads(true)).await;
    let first = served.proxy.with_retries(0);
    let (upload, _) = served.begin(&first, "file", 20_000).await.unwrap();
    first.call::<u64>("write", (&upload, bytes(0, 10_000))).await.unwrap();
    served.begin(&first, "nothing", 5).await.unwrap();
    let busy = served.begin(&served.proxy, "file", 20_000).await.unwrap_err();
    assert!(busy.is("BlockingIOError"), "{busy}");
    first.release();
    let start = Instant::now();
    let (upload, offset) = loop {
        match served.begin(&served.proxy, "file", 20_000).await {
            Ok(begun) => break begun,
            Err(error) => {
                assert!(error.is("BlockingIOError") && start.elapsed() < Duration::from_secs(60), "{error}")
            }
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(offset, 10_000);
    served.proxy.call::<Value>("abort", (&upload,)).await.unwrap();
    // What nothing has come of leaves nothing behind.
    while !served.names().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", served.names());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checksums_are_of_beginnings_too_and_of_what_is_there_now() {
    let served = Served::new("sums", |files| files).await;
    served.write("file", b"abcd");
    let sum = async |length: Option<u64>| served.proxy.call::<String>("checksum", ("file", length)).await;
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sum(Some(3)).await.unwrap(), abc);
    assert_ne!(sum(None).await.unwrap(), abc);
    assert_eq!(sum(Some(3)).await.unwrap(), abc);
    assert!(sum(Some(5)).await.unwrap_err().is("ValueError"));
    served.write("file", b"abc");
    assert_eq!(sum(None).await.unwrap(), abc);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_meanwhile_is_not_given_as_if_it_had_not() {
    let served = Served::new("changes", |files| files).await;
    served.write("file", &bytes(0, 6 << 20));
    let mut chunks = served.proxy.stream::<Blob>("read", ("file",)).await.unwrap().with_prefetch(1);
    assert_eq!(chunks.next().await.unwrap().unwrap().len(), 256 * 1024);
    served.write("file", &bytes(1, 5 << 20));
    let error = chunks.collect().await.unwrap_err();
    assert!(error.is("OSError") && error.to_string().contains("changed"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_chunks_as_anybody_asks_for_at_once_come_in_several_answers() {
    let served = Served::new("many", |files| files).await;
    let contents = bytes(0, 12 << 20);
    served.write("file", &contents);
    let chunks = served.proxy.stream::<Blob>("read", ("file",)).await.unwrap().with_prefetch(10_000);
    let chunks: Vec<Blob> = chunks.collect().await.unwrap();
    assert!(chunks.iter().flat_map(|chunk| chunk.iter()).eq(contents.iter()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_tells_what_went_wrong_and_where() {
    let served = Served::new("told", |files| files.uploads(true).largest(Some(10))).await;
    let transfer = Transfer::new(&served.proxy);
    let here = served.folder.join("here");
    std::fs::create_dir(&here).unwrap();
    let missing = transfer.receive("missing", here.join("x")).await.unwrap_err();
    assert!(missing.kind() == Kind::Call && missing.call().unwrap().is("FileNotFoundError"), "{missing}");
    served.write("file", b"abc");
    let nowhere = transfer.receive("file", here.join("no/folder")).await.unwrap_err();
    assert_eq!(nowhere.kind(), Kind::File);
    let unsent = transfer.send(here.join("missing"), "x").await.unwrap_err();
    assert!(unsent.kind() == Kind::File && unsent.call().is_none());
    std::fs::write(here.join("large"), b"12345678901").unwrap();
    assert!(transfer.send(here.join("large"), "large").await.unwrap_err().call().unwrap().is("ValueError"));

    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let telling = told.clone();
    std::fs::write(here.join(format!("copy{PART}")), b"a").unwrap();
    let transfer = transfer.on_progress(move |progress| telling.lock().unwrap().push(progress));
    let report = transfer.receive("file", here.join("copy")).await.unwrap();
    assert_eq!((report.size, report.resumed), (3, 1));
    let told: Vec<_> = told.lock().unwrap().iter().map(|told| (told.done, told.size, told.resumed)).collect();
    assert_eq!(told, [(1, 3, 1), (3, 3, 1)]);
    let kept = Transfer::new(&served.proxy).overwrite(false).receive("file", here.join("copy")).await.unwrap_err();
    assert_eq!(kept.kind(), Kind::File);
}
