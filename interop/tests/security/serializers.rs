//! Data that would like to be code.

use interop::pyro4;
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::Server;
use interop::pyro5::raw::{EXCEPTION, INVOKE, Raw, Socket};
use interop::python::workspace;
use salamander::{Codec, Generation, Uri, Value};

use super::{Marker, attack, is_up, proxy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dictionaries_that_name_classes_stay_data() {
    let (ours, marker) = (Ours::start().await, Marker::new());
    let outcomes = attack(&["classes", &ours.uri.to_string(), marker.path()]).await;
    assert_eq!(outcomes.len(), 4 * (3 * 6 + 1));
    for (tried, outcome) in &outcomes {
        let class = tried.rsplit(' ').next().unwrap();
        let expected = match tried {
            tried if tried.ends_with("and after all") => "answer: 'good'".to_owned(),
            tried if tried.contains("as text") => "TypeError: ".to_owned(),
            // Pyro's marshal has no instances there, on the way back.
            tried if tried.starts_with("marshal inside") => "ValueError: unmarshallable object".to_owned(),
            tried if tried.contains("inside") => format!("answer: [{{'a': 'instance of {class}'}}]"),
            _ => format!("answer: 'instance of {class}'"),
        };
        assert!(outcome.starts_with(&expected), "{tried}: {outcome}");
    }
    marker.assert_absent();
    is_up(&ours.uri).await;
}

/// It would be an easy way to have a daemon connect to what only it can reach.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_passed_on_is_not_connected() {
    let ours = Ours::start().await;
    let outcomes = attack(&["unclaimed", &ours.uri.to_string()]).await;
    for (tried, outcome) in &outcomes {
        let expected = if tried == "who came" { "answer: 'nobody'" } else { "answer: '<Pyro5.client.Proxy'" };
        assert_eq!(outcome, expected, "{tried}");
    }
    assert_eq!(outcomes.len(), 9);
}

/// Serpent looks like Python, marshal may hold code, and msgpack has types of everybody's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_data_is_an_error_in_every_serializer() {
    let (ours, marker) = (Ours::start().await, Marker::new());
    let (address, file) = (ours.uri.location().unwrap().to_string(), marker.path());
    let mut bodies = Vec::new();
    for expression in [
        format!("__import__('os').system('touch {file}')"),
        format!("open('{file}','w')"),
        format!("eval(\"open('{file}','w')\")"),
        format!("[x for x in [open('{file}','w')]]"),
        format!("(lambda: open('{file}','w'))()"),
        format!("f\"{{open('{file}','w')}}\""),
        "().__class__.__bases__".to_owned(),
        "1 if 1 else 2".to_owned(),
        "2**3**9".to_owned(),
        "'a'*9999999999".to_owned(),
        "thing".to_owned(),
    ] {
        bodies.push((
            Codec::Serpent,
            format!("# serpent utf-8 python3.2\n('thing','echo',({expression},),{{}})").into_bytes(),
        ));
        let json =
            format!("{{\"object\": \"thing\", \"method\": \"echo\", \"params\": [{expression}], \"kwargs\": {{}}}}");
        bodies.push((Codec::Json, json.into_bytes()));
    }
    // As `fuzz/record.py` has recorded it.
    let code = std::fs::read(workspace().join("fuzz/corpus/marshal/code")).unwrap();
    let call = b"(\x04\0\0\0u\x05\0\0\0thingu\x04\0\0\0echo";
    bodies.push((Codec::Marshal, [&call[..], b"(\x01\0\0\0", &code, b"{0"].concat()));
    bodies.push((Codec::Marshal, code));
    bodies.push((Codec::Msgpack, b"\x94\xa5thing\xa4echo\x91\xc7\x03\x63abc\x80".to_vec()));
    // Pickle is no serializer of Pyro 5, whatever number it has.
    bodies.push((Codec::Pickle, b"(\x8c\x05thing\x8c\x04echocos\nsystem\n\x8c\x04true\x85R\x85}t.".to_vec()));
    for (codec, body) in bodies {
        let shown = format!("{codec}: {}", String::from_utf8_lossy(&body));
        let mut socket = Socket::greeted(&address).await;
        let serializer = if codec == Codec::Pickle { 5 } else { codec.id() };
        socket.send(&Raw::new(INVOKE, serializer, body).to_bytes()).await;
        match socket.receive().await {
            Some(reply) => assert!(reply.flags & EXCEPTION != 0, "{shown}: {}", reply.text()),
            None => assert_eq!(codec, Codec::Pickle, "{shown}"),
        }
    }
    marker.assert_absent();
    is_up(&ours.uri).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pickle_is_not_accepted_unless_it_is_named() {
    let (ours, marker) = (Ours::start().await, Marker::new());
    for (tried, outcome) in attack(&["pickles", &ours.uri.to_string(), marker.path()]).await {
        match &*tried {
            "and after all" => assert_eq!(outcome, "answer: 'good'"),
            tried => {
                assert!(outcome.ends_with("message used serializer that is not accepted: 4"), "{tried}: {outcome}")
            }
        }
    }
    marker.assert_absent();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pickles_that_call_something_run_nothing() {
    let ours = pyro4::ours(&[], "127.0.0.1:0", |builder| builder).await;
    let marker = Marker::new();
    let outcomes = attack(&["pickles", &ours.uri.to_string(), marker.path()]).await;
    for (tried, outcome) in &outcomes {
        match tried {
            tried if tried.ends_with("data") => assert_eq!(outcome, "answer: [1, 'two']", "{tried}"),
            tried if tried == "and after all" => assert_eq!(outcome, "answer: 'good'"),
            tried => assert!(outcome.contains("system, which is not accepted"), "{tried}: {outcome}"),
        }
    }
    assert_eq!(outcomes.len(), 3 * 5 + 1);
    marker.assert_absent();
}

/// The other way round: what a daemon answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_run_nothing_in_a_client() {
    let marker = Marker::new();
    let theirs = Server::start_script("attacker.py", &["daemon", "dictionaries", marker.path()], &[]);
    let uri: Uri = theirs.uri.parse().unwrap();
    for codec in Codec::PYRO5 {
        let proxy = proxy(&uri, &[]).with_serializer(codec);
        let answer = proxy.call::<Value>("answer", ()).await;
        let shown = format!("{answer:?}");
        assert!(shown.contains("os.system"), "{codec}: {shown}");
        let answers = format!("{:?}", proxy.call::<Value>("answers", ()).await);
        assert!(answers.contains("os.system"), "{codec}: {answers}");
    }
    let theirs = Server::start_script("attacker.py", &["daemon", "pickle", marker.path()], &[]);
    let uri: Uri = theirs.uri.parse().unwrap();
    let pickling = proxy(&uri, &[]).with_generation(Generation::Pyro4).with_serializer(Codec::Pickle);
    for method in ["answer", "answers"] {
        let error = pickling.call::<Value>(method, ()).await.unwrap_err();
        assert!(error.to_string().contains("system, which is not accepted"), "{error}");
    }
    marker.assert_absent();
}
