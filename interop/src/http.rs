//! A client for HTTP that sends just what it is told, and shows all that comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer of which the body is still to be read.
pub struct Open {
    /// The answer without its body.
    pub head: Answer,
    stream: BufReader<TcpStream>,
}

impl Ask {
    /// A GET.
    pub fn get(target: impl AsRef<str>) -> Self {
        Self { method: "GET", target: target.as_ref().to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A POST of JSON.
    pub fn post(target: impl AsRef<str>, json: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST", body: json.into(), ..Self::get(target) }.header("Content-Type", "application/json")
    }

    /// The same with another method.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What it is, for messages.
    pub fn shown(&self) -> String {
        let Self { method, target, headers, body } = self;
        format!("{method} {target} {headers:?} {}", String::from_utf8_lossy(body))
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn send(&self, to: SocketAddr) -> Answer {
        let done = async {
            let mut open = self.open(to).await;
            open.stream.read_to_end(&mut open.head.body).await.expect("the body of an answer");
            open.head
        };
        tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| panic!("an answer to {}", self.shown()))
    }

    /// Sends it and reads the head of the answer. HTTP/1.0 has bodies that end with the connection.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn open(&self, to: SocketAddr) -> Open {
        let mut stream = TcpStream::connect(to).await.expect("the server listens");
        let mut head = format!("{} {} HTTP/1.0\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Host")) {
            head += &format!("Host: {to}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        let bytes = [head.as_bytes(), b"\r\n", &self.body].concat();
        // It may answer before it has read all.
        let _ = stream.write_all(&bytes).await;
        Open::read(BufReader::new(stream)).await.unwrap_or_else(|| panic!("no answer to {}", self.shown()))
    }
}

/// Sends bytes that need be no request, and reads what comes back until the connection is closed.
///
/// # Panics
/// Where it is not closed.
pub async fn raw(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.expect("the server listens");
    let mut answer = Vec::new();
    let done = async {
        let (mut reading, mut writing) = stream.split();
        // It may close before it has read all.
        let _ = tokio::join!(writing.write_all(bytes), reading.read_to_end(&mut answer));
    };
    tokio::time::timeout(PATIENCE, done).await.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

impl Open {
    /// Reads the head of an answer; none where the connection is closed.
    pub async fn read(mut stream: BufReader<TcpStream>) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let count = tokio::time::timeout(PATIENCE, stream.read_line(&mut line)).await.ok()?.ok()?;
            match line.trim_end() {
                "" if count == 0 => return None,
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines.first()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let head = Answer { status, headers: lines.iter().skip(1).filter_map(header).collect(), body: Vec::new() };
        Some(Self { head, stream })
    }

    /// The next event of a stream: its lines; none at the end.
    ///
    /// # Panics
    /// Where neither comes.
    pub async fn event(&mut self) -> Option<String> {
        let mut event = String::new();
        loop {
            let read = tokio::time::timeout(PATIENCE, self.stream.read_line(&mut event)).await;
            if read.expect("an event").expect("the connection") == 0 {
                return None;
            }
            if event.ends_with("\n\n") {
                // Comments keep the connection alive.
                match event.starts_with(':') {
                    true => event.clear(),
                    false => return Some(event.trim_end().to_owned()),
                }
            }
        }
    }

    /// All events up to the end of the connection.
    ///
    /// # Panics
    /// Where they do not end.
    pub async fn events(mut self) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
