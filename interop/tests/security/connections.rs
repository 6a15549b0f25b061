//! Who gets in, who listens on the way, and how much one client may take.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use interop::certs::{Certs, borrowed};
use interop::pyro4;
use interop::pyro5::ours::{Ours, greeter};
use interop::pyro5::peer;
use interop::pyro5::raw::{CONNECT, CONNECT_FAIL, ONEWAY, Raw, Socket};
use interop::pyro5::until;
use salamander::{Codec, Exception, Generation, Handshake, Kind, Uri, Value};
use salamander_codec::{Output, Settings};
use salamander_wire::pyro4::{Annotations, Header, MessageType, write_message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{attack, is_up, proxy};

/// What somebody on the way sees of what clients send, and may change.
struct OnTheWay {
    /// The daemon, as clients reach it through this.
    uri: Uri,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl OnTheWay {
    /// Lies between clients and a daemon, and passes each piece of what clients send through `change`.
    async fn before(uri: &Uri, change: impl Fn(&mut [u8]) + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let target = uri.location().unwrap().to_string();
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let daemon = TcpStream::connect(&target).await.unwrap();
                let ((mut from, mut back), (mut answers, mut to)) = (client.into_split(), daemon.into_split());
                let (noted, change) = (noted.clone(), change.clone());
                tokio::spawn(async move {
                    let mut piece = vec![0; 64 * 1024];
                    while let Ok(count @ 1..) = from.read(&mut piece).await {
                        change(&mut piece[..count]);
                        noted.lock().unwrap().extend_from_slice(&piece[..count]);
                        if to.write_all(&piece[..count]).await.is_err() {
                            return;
                        }
                    }
                });
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            }
        });
        let uri = format!("PYRO:thing@localhost:{}", here.port()).parse().unwrap();
        Self { uri, seen }
    }

    fn has_seen(&self, text: &str) -> bool {
        self.seen.lock().unwrap().windows(text.len()).any(|part| part == text.as_bytes())
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// How long a daemon may take to close a connection.
const PATIENCE: Duration = Duration::from_secs(20);

const SECRET: &str = "the password of all passwords";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_can_be_read_on_the_way_unless_it_is_encrypted() {
    let certs = Certs::new();
    for encrypted in [false, true] {
        let (server, client) =
            if encrypted { (certs.server("server"), certs.client("ca")) } else { Default::default() };
        let ours = Ours::with(&borrowed(&server), "localhost:0", |builder| builder).await;
        let way = OnTheWay::before(&ours.uri, |_| {}).await;
        let told = peer::script("tls_client.py", &[&way.uri.to_string(), "--echo", SECRET], &borrowed(&client)).await;
        assert!(told.unwrap().contains(SECRET));
        assert_eq!(way.has_seen(SECRET), !encrypted);
        // And by our own client.
        way.take();
        let echoed = proxy(&way.uri, &borrowed(&client)).call::<String>("echo", (SECRET,)).await.unwrap();
        assert_eq!((&*echoed, way.has_seen(SECRET)), (SECRET, !encrypted));
    }
}

/// Encrypted, whatever is changed ends the connection. Without, a call becomes another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_can_be_changed_on_the_way_unless_it_is_encrypted() {
    let certs = Certs::new();
    for encrypted in [false, true] {
        let (server, client) =
            if encrypted { (certs.server("server"), certs.client("ca")) } else { Default::default() };
        let ours = Ours::with(&borrowed(&server), "localhost:0", |builder| builder).await;
        let change = Arc::new(Mutex::new(false));
        let changes = change.clone();
        let way = OnTheWay::before(&ours.uri, move |piece| {
            let at = piece.windows(5).position(|part| part == b"money").unwrap_or(piece.len() / 2);
            if *changes.lock().unwrap() {
                piece[at] ^= 1;
            }
        })
        .await;
        let proxy = proxy(&way.uri, &borrowed(&client));
        assert_eq!(proxy.call::<String>("echo", ("money",)).await.unwrap(), "money");
        *change.lock().unwrap() = true;
        let echoed = proxy.call::<String>("echo", ("money",)).await;
        match encrypted {
            false => assert_eq!(echoed.unwrap(), "loney"),
            true => assert!(matches!(echoed.unwrap_err().kind(), Kind::Connection | Kind::Refused | Kind::Protocol)),
        }
        *change.lock().unwrap() = false;
        is_served(&ours, &client).await;
    }
}

async fn is_served(ours: &Ours, client: &[(&'static str, String)]) {
    assert_eq!(proxy(&ours.uri, &borrowed(client)).call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_versions_and_weak_ciphers_of_tls_are_refused() {
    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.server("server")), "localhost:0", |builder| builder).await;
    let outcomes = attack(&["old", &ours.uri.to_string(), &certs.file("ca")]).await;
    for (tried, outcome) in &outcomes {
        match &**tried {
            "TLS 1.2" => assert_eq!(outcome, "answer: 'TLSv1.2'"),
            "TLS 1.3" => assert_eq!(outcome, "answer: 'TLSv1.3'"),
            _ => assert!(outcome.contains("Error: "), "{tried}: {outcome}"),
        }
    }
    assert_eq!(outcomes.len(), 8);
}

/// Which certificates are the right ones is for the program to say, and it is asked before anything is called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_certificate_is_not_yet_the_right_one() {
    let certs = Certs::new();
    let only_ada = |handshake: Handshake| async move {
        let shown = handshake.certificate.as_ref().and_then(|it| it.subject().get("commonName").map(str::to_owned));
        match shown.as_deref() {
            Some("ada") => Ok(Value::None),
            other => Err(Exception::value_error(format!("{} is not ada", other.unwrap_or("nobody")))),
        }
    };
    let settings = certs.strict_server("server", "ca");
    let ours = Ours::with(&borrowed(&settings), "localhost:0", |builder| builder.on_connect(only_ada)).await;
    // By anybody whom the authority signed, a server's certificate among them.
    for name in ["client", "server"] {
        let settings = certs.known_client("ca", name);
        let told = peer::script("tls_client.py", &[&ours.uri.to_string()], &borrowed(&settings)).await.unwrap();
        assert!(told.contains("is not ada"), "{name}: {told}");
        let error = proxy(&ours.uri, &borrowed(&settings)).call::<i64>("add", (1, 2)).await.unwrap_err();
        assert!(error.to_string().contains("is not ada"), "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_cannot_call_all_the_same() {
    let ours = Ours::with(&[], "127.0.0.1:0", |builder| builder.on_connect(greeter)).await;
    let address = ours.uri.location().unwrap().to_string();
    let hello = Raw::new(CONNECT, 3, r#"{"handshake": "refuse me", "object": "thing"}"#);
    let call = Raw { flags: ONEWAY, ..Raw::call("note", r#"["after a refusal", "x"]"#) };
    // Behind the refusal, and in one piece with what is refused.
    let mut socket = Socket::connect(&address).await;
    socket.send(&hello.to_bytes()).await;
    assert_eq!(socket.receive().await.unwrap().kind, CONNECT_FAIL);
    socket.send(&call.to_bytes()).await;
    socket.send(&Raw::hello().to_bytes()).await;
    assert!(socket.until_closed().await.iter().all(|reply| reply.kind == CONNECT_FAIL));
    let mut socket = Socket::connect(&address).await;
    socket.send(&[hello.to_bytes(), call.to_bytes(), Raw::hello().to_bytes(), call.to_bytes()].concat()).await;
    // That there is unread data may take the answer away.
    assert!(socket.until_closed().await.iter().all(|reply| reply.kind == CONNECT_FAIL));
    // And without any handshake.
    let mut socket = Socket::connect(&address).await;
    socket.send(&[call.to_bytes(), Raw::hello().to_bytes(), call.to_bytes()].concat()).await;
    assert!(socket.until_closed().await.iter().all(|reply| reply.kind == CONNECT_FAIL));
    until("nobody is connected", async || ours.handle.connections() == 0).await;
    assert_eq!(proxy(&ours.uri, &[]).call::<usize>("write_note", ("after a refusal", "y")).await.unwrap(), 1);
}

/// A digest says that somebody with the key once wrote a message, not that it is new: the protocol has nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_does_not_stop_who_sends_what_he_has_heard_once_more() {
    let ours = pyro4::ours(&[], "127.0.0.1:0", |builder| builder.hmac_key("a key")).await;
    let way = OnTheWay::before(&ours.uri, |_| {}).await;
    let through = |uri: &Uri| proxy(uri, &[]).with_generation(Generation::Pyro4).with_hmac_key("a key");
    assert_eq!(through(&way.uri).call::<usize>("write_note", ("heard", "x")).await.unwrap(), 1);
    assert!(way.has_seen("heard"), "it can be read as well");
    let heard = way.take();
    let mut again = TcpStream::connect(ours.uri.location().unwrap().to_string()).await.unwrap();
    again.write_all(&heard).await.unwrap();
    again.shutdown().await.unwrap();
    let mut answers = Vec::new();
    let _ = again.read_to_end(&mut answers).await;
    assert_eq!(through(&ours.uri).call::<usize>("write_note", ("heard", "y")).await.unwrap(), 3);
}

/// Pyro 4's compression; `bad_input::a_bomb_does_not_go_off` has Pyro 5's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_in_pyro_4s_messages_does_not_go_off() {
    let ours = Ours::with(&[("PYRO_MAX_MESSAGE_SIZE", "1000000")], "127.0.0.1:0", |builder| builder).await;
    let message = |header: &Header, body: &[u8]| {
        let mut out = Output::new();
        write_message(&mut out, header, &Annotations::new(), None, body, 1 << 30).unwrap();
        out.into_vec()
    };
    let mut settings = Settings::default();
    settings.generation = Generation::Pyro4;
    for (size, is_read) in [(50_000, true), (5_000_000, false)] {
        let mut body = Output::new();
        Codec::Serpent.write_call(&mut body, &settings, "thing", "size", &("x".repeat(size),)).unwrap();
        let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut bomb, &body.into_vec()).unwrap();
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 10_000);
        let hello = message(&Header::new(MessageType::Connect, 1, 0), b"{'handshake': 'hello', 'object': 'thing'}");
        let mut call = message(&Header::new(MessageType::Invoke, 1, 1), &bomb);
        // The flag that says so, and what it adds to the checksum.
        call[9] |= 2;
        let checksum = u16::from_be_bytes([call[22], call[23]]).wrapping_add(2);
        call[22..24].copy_from_slice(&checksum.to_be_bytes());
        let mut socket = TcpStream::connect(ours.uri.location().unwrap().to_string()).await.unwrap();
        socket.write_all(&[hello, call].concat()).await.unwrap();
        if is_read {
            socket.shutdown().await.unwrap();
        }
        // Otherwise the daemon closes by itself.
        let mut answers = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answers)).await;
        let answers = String::from_utf8_lossy(&answers).into_owned();
        assert!(ended.is_ok() && answers.ends_with(&size.to_string()) == is_read, "{ended:?}: {answers:?}");
    }
    is_up(&ours.uri).await;
}
