//! Transfers without `async`, for programs and threads that wait; see [`salamander_net::blocking`].

use std::path::Path;

use salamander_net::{__changing as changing, __waiting as waiting, blocking};

use crate::client::{self, Progress, Report};
use crate::error::Result;

/// How files are sent and received; the blocking twin of [`Transfer`](crate::Transfer).
///
/// ```no_run
/// use salamander_files::blocking::Transfer;
/// use salamander_net::blocking::Proxy;
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let files = Proxy::new("PYRONAME:files")?;
/// let report = Transfer::new(&files).receive("report.pdf", "/tmp/report.pdf")?;
/// println!("{} bytes, {}", report.size, report.checksum);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Transfer(client::Transfer);

impl Transfer {
    /// Transfers by way of this object, over connections of their own.
    pub fn new(server: &blocking::Proxy) -> Self {
        Self(client::Transfer::new(server.inner()))
    }

    changing! {
        (self)
        restart(restart: bool);
        overwrite(overwrite: bool);
        fsync(fsync: bool);
        chunk(bytes: u64);
        on_progress(progress: impl Fn(Progress) + Send + Sync + 'static);
    }

    waiting! {
        (&self)
        send(path: impl AsRef<Path>, name: &str) -> Report;
        receive(name: &str, path: impl AsRef<Path>) -> Report;
    }
}

impl From<client::Transfer> for Transfer {
    fn from(transfer: client::Transfer) -> Self {
        Self(transfer)
    }
}
