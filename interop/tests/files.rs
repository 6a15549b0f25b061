//! File transfer: `salamander files`, `send` and `receive`, cut and gone on with; and plain Pyro5 in their place.
//!
//! `SALAMANDER_SOAK=1` makes the file that is cut 1 GiB, and looks at how much memory both ends have used.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod programs;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use programs::{Server, outcome, python, run, salamander};
use serde_json::Value;

/// Folders of a test: one that is served, and one of a client.
struct Folders {
    root: PathBuf,
    served: PathBuf,
    here: PathBuf,
}

impl Folders {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("salamander-files-{}-{name}", std::process::id()));
        let (served, here) = (root.join("served"), root.join("here"));
        fs::create_dir_all(&served).unwrap();
        fs::create_dir_all(&here).unwrap();
        Self { root, served, here }
    }

    fn serve(&self, more: &[&str]) -> Server {
        let args = [&["files", self.served.to_str().unwrap()], more].concat();
        Server::start(&mut salamander(&args), "URI = ")
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn part_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.salamander-part", text(path)))
}

const MIB: u64 = 1 << 20;

fn soak() -> bool {
    std::env::var_os("SALAMANDER_SOAK").is_some()
}

/// The size of files that are cut: many times what is under way at once.
fn large() -> u64 {
    if soak() { 1024 * MIB } else { 48 * MIB }
}

/// Writes a file that no two pieces of are the same.
fn fill(path: &Path, size: u64) {
    let mut out = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..size / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes()).unwrap();
    }
    out.write_all(&vec![b'x'; usize::try_from(size % 8).unwrap()]).unwrap();
    out.flush().unwrap();
}

fn same(a: &Path, b: &Path) -> bool {
    let (mut a, mut b) = (fs::File::open(a).unwrap(), fs::File::open(b).unwrap());
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut left).unwrap();
        if read == 0 {
            return b.read(&mut right).unwrap() == 0;
        }
        if b.read_exact(&mut right[..read]).is_err() || left[..read] != right[..read] {
            return false;
        }
    }
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}");
        // Between two looks.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Stands between a client and a server, and lets so many bytes through; then it holds them up.
struct Relay {
    uri: String,
}

impl Relay {
    fn new(server: &Server, most: u64) -> Self {
        let to = format!("localhost:{}", server.port());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (object, _) = server.uri().split_once('@').unwrap();
        let uri = format!("{object}@127.0.0.1:{}", listener.local_addr().unwrap().port());
        let left = Arc::new(AtomicI64::new(i64::try_from(most).unwrap()));
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect(&to) else { continue };
                for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                    let left = left.clone();
                    thread::spawn(move || pass(from, to, &left));
                }
            }
        });
        Self { uri }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if left.fetch_sub(i64::try_from(read).unwrap(), Ordering::Relaxed) < 0 {
            // Nothing more gets through; whoever is gone is noticed.
            continue;
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn report(args: &[&str]) -> Value {
    serde_json::from_str(&run(&mut salamander(&[&["--json"], args].concat()))).unwrap()
}

/// The most memory that a process has had, in MiB, where the system tells.
fn most_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024)
}

#[track_caller]
fn little_memory(who: &str, process: u32) {
    if let Some(most) = most_memory(process) {
        eprintln!("{who}: {most} MiB");
        assert!(most < 64, "{who} has had {most} MiB");
    }
}

#[test]
fn files_go_both_ways() {
    let folders = Folders::new("both");
    let server = folders.serve(&["--upload"]);
    for (name, size) in [("empty", 0), ("one", 1), ("some", 300_000), ("more", 3 * MIB + 5)] {
        let (file, back) = (folders.here.join(name), folders.here.join("back"));
        fill(&file, size);
        let sent = report(&["send", text(&file), server.uri(), "--fsync"]);
        assert_eq!((&sent["size"], &sent["resumed"]), (&size.into(), &0.into()));
        assert!(same(&file, &folders.served.join(name)));
        let received = report(&["receive", server.uri(), text(&back), "--name", name, "--fsync"]);
        assert_eq!((&received["size"], &received["sha256"]), (&size.into(), &sent["sha256"]));
        assert!(same(&file, &back));
    }
    fs::create_dir(folders.served.join("sub")).unwrap();
    let told = run(&mut salamander(&["send", text(&folders.here.join("one")), server.uri(), "--name", "sub/two"]));
    assert!(told.starts_with("sent sub/two: 1 bytes in "), "{told}");
    let told = run(&mut salamander(&["receive", server.uri(), text(&folders.here), "--name", "sub/two", "-q"]));
    assert_eq!((&*told, fs::read(folders.here.join("two")).unwrap()), ("", b"x".to_vec()));
    // Nothing is left over.
    for folder in [&folders.served, &folders.here] {
        assert!(fs::read_dir(folder).unwrap().all(|file| !text(&file.unwrap().path()).ends_with("-part")));
    }
}

/// The twin without `async`; and a key, which closes what cannot show it.
#[test]
fn threads_transfer_too() {
    use salamander::blocking::Proxy;
    use salamander::files::blocking::Transfer;

    let folders = Folders::new("threads");
    let server = folders.serve(&["--upload"]);
    let (file, back) = (folders.here.join("some"), folders.here.join("back"));
    fill(&file, 300_000);
    let transfer = Transfer::new(&Proxy::new(server.uri()).unwrap()).chunk(10_000);
    assert_eq!(transfer.send(&file, "some").unwrap().size, 300_000);
    assert_eq!(transfer.receive("some", &back).unwrap().size, 300_000);
    assert!(same(&file, &back));
    assert!(transfer.receive("nothing", &back).unwrap_err().to_string().contains("FileNotFoundError"));

    for (more, let_in) in [(&[][..], false), (&["--without-key", "pyro5"], true)] {
        let mut command = salamander(&[&["files", folders.served.to_str().unwrap()], more].concat());
        let server = Server::start(command.env("PYRO_HMAC_KEY", "a key"), "URI = ");
        let transfer = Transfer::new(&Proxy::new(server.uri()).unwrap());
        assert_eq!(transfer.receive("some", folders.here.join("again")).is_ok(), let_in, "{more:?}");
    }
}

#[test]
fn what_is_not_allowed_is_refused() {
    let folders = Folders::new("refused");
    fs::write(folders.root.join("secret"), "x").unwrap();
    fs::write(folders.served.join("there"), "old").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", folders.served.join("link")).unwrap();
    let file = folders.here.join("file");
    fs::write(&file, "new").unwrap();
    let fails = |server: &Server, args: &[&str], why: &str| {
        let uri = server.uri().to_owned();
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "URI" { &*uri } else { arg }).collect();
        let (ok, out, told) = outcome(&mut salamander(&args), "");
        assert!(!ok && told.contains(why), "{args:?}: {out}{told}");
    };
    let target = folders.here.join("target");
    let server = folders.serve(&[]);
    for name in ["../secret", "/etc/passwd", "there/../../secret", "..\\secret", "a:b", "NUL"] {
        fails(&server, &["receive", "URI", text(&target), "--name", name], "ValueError: the name ");
        fails(&server, &["send", text(&file), "URI", "--name", name], "ValueError: the name ");
    }
    fails(&server, &["send", text(&file), "URI"], "PermissionError: nothing may be written here");
    fails(&server, &["receive", "URI", text(&target), "--name", "missing"], "FileNotFoundError: missing");
    #[cfg(unix)]
    fails(
        &server,
        &["receive", "URI", text(&target), "--name", "link"],
        "PermissionError: link: it is a symbolic link",
    );
    fails(&server, &["receive", "URI", text(&file), "--name", "there", "--keep"], "it is there already");
    fails(&server, &["send", text(&folders.here), "URI", "--name", "x"], "no regular file");
    assert!(!target.exists() && !part_of(&target).exists());

    let server = folders.serve(&["--upload", "--max-size", "4"]);
    fails(&server, &["send", text(&file), "URI", "--name", "there"], "FileExistsError: there");
    fs::write(&target, "12345").unwrap();
    fails(&server, &["send", text(&target), "URI"], "a file may have 4 bytes at most");
    let server = folders.serve(&["--upload", "--overwrite"]);
    run(&mut salamander(&["send", text(&file), server.uri(), "--name", "there"]));
    assert_eq!(fs::read(folders.served.join("there")).unwrap(), b"new");
    #[cfg(unix)]
    {
        run(&mut salamander(&["send", text(&file), server.uri(), "--name", "link"]));
        assert_eq!(fs::read(folders.root.join("secret")).unwrap(), b"x");
    }
}

#[test]
fn a_download_whose_client_is_killed_goes_on() {
    let folders = Folders::new("receive-client");
    let size = large();
    fill(&folders.served.join("file"), size);
    let server = folders.serve(&[]);
    let relay = Relay::new(&server, size / 2);
    let file = folders.here.join("file");
    let mut client = start(salamander(&["receive", &relay.uri, text(&file)]));
    until("half of it comes", || fs::metadata(part_of(&file)).is_ok_and(|part| part.len() > size / 3));
    little_memory("the client", client.id());
    client.kill().unwrap();
    client.wait().unwrap();
    assert!(!file.exists());
    let before = fs::metadata(part_of(&file)).unwrap().len();
    let received = report(&["receive", server.uri(), text(&file)]);
    assert_eq!((&received["size"], &received["resumed"]), (&size.into(), &before.into()));
    assert!(same(&file, &folders.served.join("file")) && !part_of(&file).exists());
    little_memory("the server", server.process());
}

#[test]
fn a_download_whose_server_is_killed_goes_on() {
    let folders = Folders::new("receive-server");
    let size = large();
    fill(&folders.served.join("file"), size);
    let server = folders.serve(&[]);
    let relay = Relay::new(&server, size / 2);
    let file = folders.here.join("file");
    let client = start(salamander(&["receive", &relay.uri, text(&file)]));
    until("half of it comes", || fs::metadata(part_of(&file)).is_ok_and(|part| part.len() > size / 3));
    drop(server);
    let ended = client.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let before = fs::metadata(part_of(&file)).unwrap().len();
    let server = folders.serve(&[]);
    let received = report(&["receive", server.uri(), text(&file)]);
    assert_eq!(received["resumed"], before);
    assert!(same(&file, &folders.served.join("file")));
}

#[test]
fn an_upload_whose_client_is_killed_goes_on() {
    let folders = Folders::new("send-client");
    let size = large();
    let (file, there) = (folders.here.join("file"), folders.served.join("file"));
    fill(&file, size);
    let server = folders.serve(&["--upload"]);
    let relay = Relay::new(&server, size / 2);
    let mut client = start(salamander(&["send", text(&file), &relay.uri]));
    until("half of it comes", || fs::metadata(part_of(&there)).is_ok_and(|part| part.len() > size / 3));
    little_memory("the client", client.id());
    client.kill().unwrap();
    client.wait().unwrap();
    assert!(!there.exists());
    let mut sent = Value::Null;
    // The server gives the upload up as soon as it notices.
    until("it goes on", || {
        let (ok, out, told) = outcome(&mut salamander(&["--json", "send", text(&file), server.uri()]), "");
        assert!(ok || told.contains("BlockingIOError"), "{told}");
        sent = serde_json::from_str(&out).unwrap_or_default();
        ok
    });
    assert!(sent["resumed"].as_u64().unwrap() > size / 3, "{sent}");
    assert!(same(&file, &there) && !part_of(&there).exists());
    little_memory("the server", server.process());
}

#[test]
fn an_upload_whose_server_is_killed_goes_on() {
    let folders = Folders::new("send-server");
    let size = large();
    let (file, there) = (folders.here.join("file"), folders.served.join("file"));
    fill(&file, size);
    let server = folders.serve(&["--upload"]);
    let relay = Relay::new(&server, size / 2);
    let client = start(salamander(&["send", text(&file), &relay.uri]));
    until("half of it comes", || fs::metadata(part_of(&there)).is_ok_and(|part| part.len() > size / 3));
    drop(server);
    let ended = client.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let before = fs::metadata(part_of(&there)).unwrap().len();
    let server = folders.serve(&["--upload"]);
    let sent = report(&["send", text(&file), server.uri()]);
    assert_eq!(sent["resumed"], before);
    assert!(same(&file, &there));
}

#[test]
fn another_file_of_the_same_name_begins_anew() {
    let folders = Folders::new("another");
    let (file, there) = (folders.here.join("file"), folders.served.join("file"));
    fill(&file, MIB);
    let mut part = fs::read(&file).unwrap();
    part[70_000] ^= 1;
    part.truncate(500_000);
    fs::write(part_of(&there), &part).unwrap();
    let server = folders.serve(&["--upload"]);
    assert_eq!(report(&["send", text(&file), server.uri()])["resumed"], 0);
    assert!(same(&file, &there));
    let back = folders.here.join("back");
    for (part, resumed) in
        [(&part[..], 0), (&fs::read(&file).unwrap()[..400_000], 400_000), (&vec![b'x'; 2 << 20], 0)]
    {
        fs::write(part_of(&back), part).unwrap();
        assert_eq!(report(&["receive", server.uri(), text(&back), "--name", "file"])["resumed"], resumed);
        assert!(same(&file, &back));
    }
    fs::write(part_of(&back), &fs::read(&file).unwrap()[..400_000]).unwrap();
    let anew = report(&["receive", server.uri(), text(&back), "--name", "file", "--restart"]);
    assert_eq!(anew["resumed"], 0);
}

#[test]
fn plain_pyro5_downloads_and_uploads() {
    let script = interop::python::workspace().join("interop/python/file_client.py");
    for serializer in ["serpent", "msgpack"] {
        let folders = Folders::new(serializer);
        fill(&folders.served.join("data"), 700_001);
        let server = folders.serve(&["--upload"]);
        let file = folders.here.join("data");
        let told = run(&mut python(&[text(&script), server.uri(), serializer, "data", text(&file), "copy"]));
        assert_eq!(
            told,
            "data 700001 ['data']\ndownloaded True\na part [2000, 2000, 1000] True\nuploaded True\n\
             FileExistsError: copy: there is a file of this name already\n\
             BlockingIOError: other: another transfer of other is under way\n\
             ValueError: the upload is to have 3 bytes only\n\
             ValueError: the checksum is another: what came is thrown away\n['copy', 'data']\n"
        );
        assert!(same(&file, &folders.served.join("data")) && same(&file, &folders.served.join("copy")));
    }
}
