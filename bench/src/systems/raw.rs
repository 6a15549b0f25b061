//! The limit: the same numbers of bytes to and fro over tokio's TCP, with nothing made of them.

use std::net::SocketAddr;

use salamander_bench_harness::{Args, Failure, Step, client as run_client, server as run_server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes each message has.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    hello: usize,
    welcome: usize,
    request: usize,
    reply: usize,
}

impl Sizes {
    fn of(args: &Args) -> Result<Self, Failure> {
        let size = |name| args.get(name).and_then(|size| size.ok_or_else(|| format!("{name}= is missing").into()));
        Ok(Self {
            hello: size("hello")?,
            welcome: size("welcome")?,
            request: size("request")?,
            reply: size("reply")?,
        })
    }
}

/// How much more there is room for than one message. A read that fills its buffer makes tokio try another one in vain.
const ROOM: usize = 64 * 1024;

pub fn server(args: &Args) -> Result<(), Failure> {
    let sizes = Sizes::of(args)?;
    run_server(args, async |ready| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream, sizes));
        }
    })
}

/// Answers the hello, then all the requests that have come, with one write.
async fn serve(mut stream: TcpStream, sizes: Sizes) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; sizes.request + ROOM];
    let mut output = vec![b'x'; sizes.welcome];
    stream.read_exact(&mut input[..sizes.hello]).await?;
    stream.write_all(&output).await?;
    let mut filled = 0;
    loop {
        let count = stream.read(&mut input[filled..]).await?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        let replies = filled / sizes.request * sizes.reply;
        filled %= sizes.request;
        if replies > 0 {
            output.resize(replies.max(output.len()), b'x');
            stream.write_all(&output[..replies]).await?;
        }
    }
}

pub fn client(args: &Args) -> Result<(), Failure> {
    let sizes = Sizes::of(args)?;
    let address = args.text("address")?.parse()?;
    let count = args.get("count")?.unwrap_or(1);
    run_client(args, async || match args.text("load")? {
        "sequential" => Ok(vec![Load::PingPong(Connection::open(address, sizes).await?)]),
        "shared" => Ok(vec![Load::Outstanding(Connection::open(address, sizes).await?, count)]),
        "connections" => {
            let mut loads = Vec::new();
            for _ in 0..count {
                loads.push(Load::PingPong(Connection::open(address, sizes).await?));
            }
            Ok(loads)
        }
        "connect" => Ok(vec![Load::Connecting(address, sizes)]),
        other => Err(format!("there is no load {other}").into()),
    })
}

struct Connection {
    stream: TcpStream,
    sizes: Sizes,
    output: Vec<u8>,
    input: Vec<u8>,
    /// Replies that are awaited, and what has come of the first of them.
    outstanding: usize,
    filled: usize,
}

enum Load {
    PingPong(Connection),
    /// So many requests are under way all the time; what has been answered is asked again with one write.
    Outstanding(Connection, usize),
    Connecting(SocketAddr, Sizes),
}

impl Step for Load {
    async fn step(&mut self) -> Result<u64, Failure> {
        match self {
            Load::PingPong(connection) => {
                // A transfer is long enough to look at the clock after each.
                let count = if connection.sizes.request > ROOM { 1 } else { 16 };
                for _ in 0..count {
                    connection.ping_pong().await?;
                }
                Ok(count)
            }
            Load::Outstanding(connection, most) => connection.exchange(*most).await,
            Load::Connecting(address, sizes) => {
                Connection::open(*address, *sizes).await?.ping_pong().await?;
                Ok(1)
            }
        }
    }
}

impl Connection {
    async fn open(address: SocketAddr, sizes: Sizes) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // Not zeros: the system would give one page for all of them, and that would be read from the cache.
        let output = vec![b'x'; sizes.hello.max(sizes.request)];
        let input = vec![0; sizes.welcome.max(sizes.reply) + ROOM];
        stream.write_all(&output[..sizes.hello]).await?;
        let mut connection = Self { stream, sizes, output, input, outstanding: 0, filled: 0 };
        connection.receive(sizes.welcome).await?;
        Ok(connection)
    }

    async fn ping_pong(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.output[..self.sizes.request]).await?;
        self.receive(self.sizes.reply).await
    }

    async fn receive(&mut self, size: usize) -> Result<(), Failure> {
        let mut come = 0;
        while come < size {
            match self.stream.read(&mut self.input[come..]).await? {
                0 => return Err("the server has gone".into()),
                count => come += count,
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, most: usize) -> Result<u64, Failure> {
        let asked = (most - self.outstanding) * self.sizes.request;
        self.output.resize(self.output.len().max(asked), b'x');
        self.input.resize(self.input.len().max(most * self.sizes.reply + ROOM), 0);
        self.stream.write_all(&self.output[..asked]).await?;
        let count = self.stream.read(&mut self.input[..]).await?;
        if count == 0 {
            return Err("the server has gone".into());
        }
        let come = (self.filled + count) / self.sizes.reply;
        self.filled = (self.filled + count) % self.sizes.reply;
        self.outstanding = most - come;
        Ok(come as u64)
    }
}
