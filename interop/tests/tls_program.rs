//! The program `salamander` with encrypted connections, and Pyro5's own programs at the other end.
#![allow(clippy::disallowed_methods)]

mod programs;

use interop::certs::{Certs, borrowed};
use programs::{Server, outcome, python, run, salamander};

/// The options of a server that lets nobody in without a certificate.
fn strict(certs: &Certs) -> Vec<String> {
    let [cert, key, ca] = ["server", "server_key", "ca"].map(|name| certs.file(name));
    ["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &ca].map(str::to_owned).to_vec()
}

/// The options of a client that is let in there.
fn known(certs: &Certs) -> Vec<String> {
    let [ca, cert, key] = ["ca", "client", "client_key"].map(|name| certs.file(name));
    ["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key].map(str::to_owned).to_vec()
}

fn with<'a>(args: &[&'a str], options: &'a [String]) -> Vec<&'a str> {
    args.iter().copied().chain(options.iter().map(String::as_str)).collect()
}

#[test]
fn up_lets_only_those_in_who_show_a_certificate() {
    let certs = Certs::new();
    let (strict, known) = (strict(&certs), known(&certs));
    let data = certs.file("data");
    let up =
        Server::start(&mut salamander(&with(&["up", "--port", "0", "--data", &data], &strict)), "Ctrl-C stops it.");
    let calculator = format!("PYRONAME:example.calculator@localhost:{}", up.port());
    assert_eq!(run(&mut salamander(&with(&["call", &calculator, "add", "2", "3"], &known))), "5\n");
    assert!(
        run(&mut salamander(&with(&["meta", &calculator], &known))).contains("  add(x: Value, y: Value) -> Value\n")
    );
    let nsc = ["nsc", "-n", "localhost", "-p", up.port()];
    assert!(run(&mut salamander(&[&with(&nsc, &known)[..], &["list"]].concat())).contains("example.calculator --> "));

    // By Pyro's settings too, and by Pyro's own tool.
    let settings = certs.known_client("ca", "client");
    let list = [&nsc[1..], &["list"]].concat();
    let ours = run(salamander(&[&["nsc"], &list[..]].concat()).envs(borrowed(&settings)));
    let theirs = run(python(&[&["-m", "Pyro5.nsc"], &list[..]].concat()).envs(borrowed(&settings)));
    assert!(ours.contains("example.calculator --> ") && theirs.contains("example.calculator --> "), "{ours}{theirs}");

    // Nobody else gets in, and is told why.
    let echo = up.told_after("  test.echoserver ").to_owned();
    for (args, says) in [
        (vec!["--tls-ca", &*known[1]], "the daemon wants a client certificate"),
        (vec!["--tls"], "nobody who signed it is trusted"),
        (vec![], "the daemon speaks TLS: SSL should be on here too"),
    ] {
        let (ok, _, told) = outcome(&mut salamander(&[&["call", &echo, "echo", "x"], &args[..]].concat()), "");
        assert!(!ok && told.contains(says), "{args:?}: {told}");
    }
}

#[test]
fn ns_and_echoserver_are_encrypted() {
    let certs = Certs::new();
    let (strict, known) = (strict(&certs), known(&certs));
    let names = Server::start(&mut salamander(&with(&["ns", "--port", "0"], &strict)), "URI = ");
    let list = run(&mut salamander(
        &[
            &["nsc", "-n", "localhost", "-p", names.port()],
            &known.iter().map(String::as_str).collect::<Vec<_>>()[..],
            &["list"],
        ]
        .concat(),
    ));
    assert!(list.contains("Pyro.NameServer --> "), "{list}");
    // With a name server of its own, where it is registered without a certificate to show.
    let mut echo = salamander(&with(&["echoserver", "-N"], &strict));
    let echo = Server::start(echo.env("PYRO_NS_PORT", "0").env("PYRO_NS_BCPORT", "0"), "echoserver running.");
    assert_eq!(run(&mut salamander(&with(&["call", echo.uri(), "echo", "x"], &known))), "'x'\n");
    let settings = certs.known_client("ca", "client");
    let script = "import sys, Pyro5.api; print(Pyro5.api.Proxy(sys.argv[1]).echo('x'))";
    assert_eq!(run(programs::script(script, &[echo.uri()]).envs(borrowed(&settings))), "x\n");
}

#[test]
fn what_is_wrong_with_the_options_is_said() {
    let certs = Certs::new();
    let key = certs.file("client_key");
    let cert = certs.file("server");
    for (args, says) in [
        (vec!["ns", "--port", "0", "--tls-key", &*key], "--tls-cert should name the file"),
        (vec!["ns", "--port", "0", "--tls-cert", "/nowhere.pem"], "SSL_SERVERCERT: /nowhere.pem: cannot be read"),
        (
            vec!["ns", "--port", "0", "--tls-cert", &*cert, "--tls-key", &*key],
            "the key is not that of the certificate",
        ),
        (vec!["meta", "PYRO:x@localhost:1", "--tls-ca", "/nowhere.pem"], "SSL_CACERTS: /nowhere.pem: cannot be read"),
    ] {
        let (ok, _, told) = outcome(&mut salamander(&args), "");
        assert!(!ok && told.contains(says), "{args:?}: {told}");
    }
}

#[test]
fn http_is_encrypted_too_and_the_gateway_is_closed_where_clients_show_certificates() {
    let certs = Certs::new();
    let strict = strict(&certs);
    let (data, ca) = (certs.file("data"), certs.file("ca"));
    let args = ["up", "--port", "0", "--data", &data];
    {
        let up = Server::start(&mut salamander(&with(&args, &strict[..4])), "Ctrl-C stops it.");
        let url = up.told_after("HTTP and a page").to_owned();
        assert!(url.starts_with("https://localhost:"), "{url}");
        let lines = "import ssl, sys, urllib.request\ncontext = ssl.create_default_context(cafile=sys.argv[2])\n\
                     print(urllib.request.urlopen(sys.argv[1], context=context).read().decode())";
        let target = url + "example.calculator/add?x=a&y=b";
        assert_eq!(run(&mut python(&["-c", lines, &target, &ca])), "\"ab\"\n");
        // And by a gateway of its own.
        let port = up.port();
        let mut command = salamander(&["httpgateway", "-p", "0", "-e", "", "--nsport", port, "--tls-ca", &ca]);
        let gateway = Server::start(&mut command, "Pyro HTTP gateway running on ");
        let target = gateway.told_after("running on ").to_owned() + "example.calculator/add?x=a&y=b";
        assert_eq!(run(&mut python(&["-c", &lines.replace(", context=context", ""), &target, &ca])), "\"ab\"\n");
    }
    let up = Server::start(&mut salamander(&with(&args, &strict)), "Ctrl-C stops it.");
    assert!(!up.told.contains("HTTP and a page"), "{}", up.told);
    // The gateway would call in its own name; by XML-RPC clients call in theirs.
    let url = up.told_after("XML-RPC").to_owned();
    let lines = "import ssl, sys, xmlrpc.client\ncontext = ssl.create_default_context(cafile=sys.argv[2])\n\
                 if sys.argv[3:]: context.load_cert_chain(*sys.argv[3:])\n\
                 print(xmlrpc.client.ServerProxy(sys.argv[1], context=context).add(3, 4))";
    let (cert, key) = (certs.file("client"), certs.file("client_key"));
    assert_eq!(run(&mut python(&["-c", lines, &url, &ca, &cert, &key])), "7\n");
    let (ok, _, told) = outcome(&mut python(&["-c", lines, &url, &ca]), "");
    assert!(!ok, "{told}");
}
