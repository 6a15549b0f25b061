//! File transfer.

use std::io::Write;
use std::path::{Path, PathBuf};

use salamander_bench_harness::Failure;

use super::Section;
use crate::options::Options;
use crate::pair::{Pair, measure};
use crate::process::{Program, Spec};
use crate::report::{Page, Required, Table, decimals};
use crate::systems::FILE_NAME;

pub const SECTION: Section = Section { name: "files", title: "File transfer", peers: false, measure: run };

/// Both ends have this much beside what an empty program has.
const MEGABYTES: f64 = 64.0;

fn run(options: &Options, page: &mut Page) -> Result<(), Failure> {
    let size: u64 = if options.quick { 256 << 20 } else { 1 << 30 };
    let folders = Folders::new(size)?;
    page.say(&format!(
        "A file of {} MiB from one process to another, with SHA-256 at both ends, into a new file that takes its name in the end. A \
         plain copy reads, sums and writes 256 KiB at a time to a socket, and the other side likewise, without anything else on the \
         way. With fsync, the disk has the file in the end. The file is in the system's cache. The machine has {} CPUs.",
        size >> 20,
        std::thread::available_parallelism().map_or(0, usize::from),
    ));
    let mut pairs = Vec::new();
    for load in ["receive", "send"] {
        for fsync in [true, false] {
            for way in ["plain", "ours"] {
                let spec = |folder: &Path| {
                    let spec = Spec::new(Program::Bench).with("system", "files").with("runtime", "mt");
                    spec.with("way", way).with("folder", folder.display())
                };
                let (there, here) = folders.of(load);
                let client = spec(here).with("load", load).with("fsync", fsync);
                pairs.push(Pair::new(name(way, load, fsync), &spec(there), &client));
            }
        }
    }
    let measured = measure(&pairs, options);
    let mut table = Table::rates("MiB", "MiB", &measured);
    let find = |name: String| measured.iter().find(|one| one.name == name);
    for load in ["receive", "send"] {
        for fsync in [true, false] {
            if let (Some(plain), Some(ours)) = (find(name("plain", load, fsync)), find(name("ours", load, fsync))) {
                let mark = fsync.then_some(Required::AtLeast(0.7));
                table.compare(&ours.name, &plain.name, ours.ratio(plain), mark);
            }
        }
    }
    page.table(&table);
    page.say("The most memory that a process has had, in megabytes of 1,000,000 bytes:");
    let mut table = Table::new(&["client", "server"]);
    for one in measured.iter().filter(|one| one.name.starts_with("Salamander")) {
        if let Some((client, server)) = one.memory {
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            table.line(&one.name, vec![decimals(megabytes(client)), decimals(megabytes(server))]);
            let most = megabytes(client.max(server)) / MEGABYTES;
            table.compare(&one.name, "64 MB", Some(most), Some(Required::AtMost(1.0)));
        }
    }
    page.table(&table);
    Ok(())
}

fn name(way: &str, load: &str, fsync: bool) -> String {
    let fsync = if fsync { ", fsync" } else { "" };
    match way {
        "plain" => format!("plain copy, {load}{fsync}"),
        _ => format!("Salamander, {load}{fsync}"),
    }
}

/// Folders with a file, and without, that are removed in the end.
struct Folders {
    root: PathBuf,
    full: PathBuf,
    empty: PathBuf,
}

impl Folders {
    fn new(size: u64) -> Result<Self, Failure> {
        let root = std::env::temp_dir().join(format!("salamander-bench-{}", std::process::id()));
        let (full, empty) = (root.join("full"), root.join("empty"));
        std::fs::create_dir_all(&full)?;
        std::fs::create_dir_all(&empty)?;
        let folders = Self { root, full, empty };
        let mut file = std::fs::File::create(folders.full.join(FILE_NAME))?;
        let mut piece = vec![0; 1 << 20];
        for number in 0..size >> 20 {
            for (at, byte) in piece.iter_mut().enumerate() {
                *byte = (at as u64 * (number + 3) >> 7) as u8;
            }
            file.write_all(&piece)?;
        }
        Ok(folders)
    }

    /// The server's and the client's.
    fn of(&self, load: &str) -> (&Path, &Path) {
        if load == "receive" { (&self.full, &self.empty) } else { (&self.empty, &self.full) }
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}
