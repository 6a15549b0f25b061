//! The time of day, to whoever connects.

use std::io;
use std::time::Duration;

use jiff::Zoned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{hang_up, in_time};

/// What a time server says: the time here, as Python's `time.ctime()` has it, and the end of a line.
pub fn time_line() -> String {
    line(&Zoned::now())
}

fn line(now: &Zoned) -> String {
    format!("{}\r\n", now.strftime("%a %b %e %H:%M:%S %Y"))
}

/// More than a time server has to say.
pub(super) const MOST: u64 = 1024;

pub(super) async fn serve(mut stream: TcpStream, patience: Duration) -> io::Result<()> {
    in_time(patience, stream.write_all(time_line().as_bytes())).await?;
    hang_up(stream, patience).await
}

/// Asks a time server, at `host:port`, for its line, which is given without its end.
///
/// # Errors
/// Where nobody answers in time, or what is said is no line of text.
pub async fn ask_time(address: &str, patience: Duration) -> io::Result<String> {
    in_time(patience, async {
        let stream = TcpStream::connect(address).await?;
        let mut said = Vec::new();
        let mut stream = stream.take(MOST);
        // Not every server closes the connection behind its line.
        while !said.contains(&b'\n') && stream.read_buf(&mut said).await? > 0 {}
        text(&said)
    })
    .await
}

/// The first line of what was said.
pub(super) fn text(said: &[u8]) -> io::Result<String> {
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let text = std::str::from_utf8(line).ok().map(|text| text.trim_end_matches('\r')).filter(|text| !text.is_empty());
    let none = || io::Error::new(io::ErrorKind::InvalidData, "what the server said is no line of text");
    text.map(str::to_owned).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_pythons() {
        // Of `time.ctime(1717632005)`, in UTC.
        let moment: Zoned = "2024-06-06T00:00:05[UTC]".parse().unwrap();
        assert_eq!(line(&moment), "Thu Jun  6 00:00:05 2024\r\n");
    }

    #[test]
    fn the_first_line_counts() {
        assert_eq!(text(b"a b\r\nc").unwrap(), "a b");
        assert_eq!(text(b"a").unwrap(), "a");
        assert!(text(b"").is_err() && text(b"\r\n").is_err() && text(b"\xff\n").is_err());
    }
}
