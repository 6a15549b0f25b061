//! Where settings come from, and what Pyro5 makes of the same variables.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use interop::python;
use salamander::{Codec, Config, IpVersion, LogLevel, ServerType, ThreadPoolSize};

/// A setting, a value in the environment, the same in a file, and the same in code.
type Row = (&'static str, &'static str, &'static str, fn(&mut Config));

const ROWS: &[Row] = &[
    ("HOST", "127.0.0.1", "'127.0.0.1'", |it| it.host = "127.0.0.1".to_owned()),
    ("NS_HOST", "example.org", "'example.org'", |it| it.ns_host = "example.org".to_owned()),
    ("NS_PORT", "9191", "9191", |it| it.ns_port = 9191),
    ("NS_BCPORT", "9192", "9192", |it| it.ns_bcport = 9192),
    ("NS_BCHOST", "10.0.0.1", "'10.0.0.1'", |it| it.ns_bchost = Some("10.0.0.1".to_owned())),
    ("NS_AUTOCLEAN", "4.5", "4.5", |it| it.ns_autoclean = Duration::from_millis(4500)),
    ("NS_LOOKUP_DELAY", "3", "3", |it| it.ns_lookup_delay = Duration::from_secs(3)),
    ("NATHOST", "example.org", "'example.org'", |it| it.nathost = Some("example.org".to_owned())),
    ("NATPORT", "8000", "8000", |it| it.natport = 8000),
    ("COMPRESSION", "on", "true", |it| it.compression = true),
    ("SERVERTYPE", "multiplex", "'multiplex'", |it| it.servertype = ServerType::Multiplex),
    ("COMMTIMEOUT", "2.5", "2.5", |it| it.commtimeout = Duration::from_millis(2500)),
    ("POLLTIMEOUT", "1.5", "1.5", |it| it.polltimeout = Duration::from_millis(1500)),
    ("MAX_RETRIES", "3", "3", |it| it.max_retries = 3),
    ("SOCK_REUSE", "no", "false", |it| it.sock_reuse = false),
    ("SOCK_NODELAY", "1", "true", |it| it.sock_nodelay = true.into()),
    ("DETAILED_TRACEBACK", "yes", "true", |it| it.detailed_traceback = true),
    ("THREADPOOL_SIZE", "7", "7", |it| it.threadpool_size = ThreadPoolSize::new(7)),
    ("THREADPOOL_SIZE_MIN", "2", "2", |it| it.threadpool_size_min = 2.try_into().unwrap()),
    ("MAX_MESSAGE_SIZE", "1000000", "1_000_000", |it| it.max_message_size = 1_000_000),
    ("BROADCAST_ADDRS", "10.0.0.255, <broadcast>", "['10.0.0.255', '<broadcast>']", |it| {
        it.broadcast_addrs = vec!["10.0.0.255".to_owned(), "<broadcast>".to_owned()];
    }),
    ("PREFER_IP_VERSION", "6", "6", |it| it.prefer_ip_version = IpVersion::V6),
    ("SERIALIZER", "msgpack", "'msgpack'", |it| it.serializer = Codec::Msgpack),
    ("SERPENT_BYTES_REPR", "true", "true", |it| it.serpent_bytes_repr = true),
    ("ITER_STREAMING", "off", "false", |it| it.iter_streaming = false),
    ("ITER_STREAM_LIFETIME", "60", "60.0", |it| it.iter_stream_lifetime = Duration::from_secs(60)),
    ("ITER_STREAM_LINGER", "0", "0", |it| it.iter_stream_linger = Duration::ZERO),
    ("LOGFILE", "{stderr}", "'{stderr}'", |it| it.logfile = "{stderr}".to_owned()),
    ("LOGLEVEL", "DEBUG", "'DEBUG'", |it| it.loglevel = Some(LogLevel::Debug)),
    ("LOGWIRE", "1", "true", |it| it.logwire = true),
    ("SSL", "yes", "true", |it| it.ssl = true),
    ("SSL_SERVERCERT", "a.pem", "'a.pem'", |it| it.ssl_servercert = "a.pem".to_owned()),
    ("SSL_SERVERKEY", "b.pem", "'b.pem'", |it| it.ssl_serverkey = "b.pem".to_owned()),
    ("SSL_SERVERKEYPASSWD", "sesame", "'sesame'", |it| it.ssl_serverkeypasswd = "sesame".into()),
    ("SSL_REQUIRECLIENTCERT", "1", "true", |it| it.ssl_requireclientcert = true),
    ("SSL_CLIENTCERT", "c.pem", "'c.pem'", |it| it.ssl_clientcert = "c.pem".to_owned()),
    ("SSL_CLIENTKEY", "d.pem", "'d.pem'", |it| it.ssl_clientkey = "d.pem".to_owned()),
    ("SSL_CLIENTKEYPASSWD", "sesame", "'sesame'", |it| it.ssl_clientkeypasswd = "sesame".into()),
    ("SSL_CACERTS", "e.pem", "'e.pem'", |it| it.ssl_cacerts = "e.pem".to_owned()),
];

/// Those that Pyro4 has and Pyro5 has not.
const PYRO4_ROWS: &[Row] = &[
    ("SERIALIZERS_ACCEPTED", "json,pickle", "['json', 'pickle']", |it| {
        it.serializers_accepted = vec![Codec::Json, Codec::Pickle];
    }),
    ("HMAC_KEY", "sesame", "'sesame'", |it| it.hmac_key = "sesame".into()),
];

#[test]
fn every_setting_can_be_set_in_the_environment_in_a_file_and_in_code() {
    let rows = || ROWS.iter().chain(PYRO4_ROWS);
    let mut named: Vec<&str> = rows().map(|row| row.0).collect();
    named.sort_unstable();
    let mut all = Config::NAMES.to_vec();
    all.sort_unstable();
    assert_eq!(named, all);
    for (name, text, toml, change) in rows() {
        let by_environment = Config::from_vars([(format!("PYRO_{name}"), *text)]).unwrap();
        let mut by_file = Config::default();
        by_file.apply_toml(&format!("{} = {toml}", name.to_lowercase())).unwrap();
        let mut by_code = Config::default();
        change(&mut by_code);
        assert!(by_environment == by_code && by_file == by_code, "{name}");
        // That setting has changed, and no other.
        let (defaults, changed) = (Config::default().as_dict(), by_code.as_dict());
        let differ = changed.iter().filter(|(key, value)| defaults.get_value(key) != Some(value));
        assert_eq!(differ.map(|(key, _)| key.to_string()).collect::<Vec<_>>(), [format!("'{name}'")]);
    }
}

/// `config_peer.py`, which tells what Pyro5 makes of variables.
fn pyro(environments: &[Vec<(String, String)>]) -> Vec<String> {
    let mut child = python::script("config_peer.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for environment in environments {
        let pairs: Vec<String> = environment.iter().map(|(name, value)| format!("{name:?}: {value:?}")).collect();
        writeln!(input, "{{{}}}", pairs.join(", ")).unwrap();
    }
    drop(input);
    let told: Vec<String> = output.lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success() && told.len() == environments.len());
    told
}

#[test]
fn pyro_shows_the_same_for_the_same_variables() {
    let one = |name: &str, value: &str| vec![(format!("PYRO_{name}"), value.to_owned())];
    let mut environments: Vec<_> = ROWS.iter().map(|(name, text, ..)| one(name, text)).collect();
    environments.push(ROWS.iter().map(|(name, text, ..)| (format!("PYRO_{name}"), (*text).to_owned())).collect());
    environments.extend(["0", "off", "NO", "False"].map(|no| one("SOCK_REUSE", no)));
    environments.extend(["1", "on", "YES", "True"].map(|yes| one("LOGWIRE", yes)));
    environments.extend([" 77 ", "1_0", "+5"].map(|number| one("NS_PORT", number)));
    environments.extend(["1e1", " 2.50 ", ".5", "1_0.5"].map(|number| one("COMMTIMEOUT", number)));
    for (environment, told) in environments.iter().zip(pyro(&environments)) {
        let dump = Config::from_vars(environment.iter().cloned()).map(|config| config.dump());
        let dump = dump.unwrap_or_else(|error| panic!("{environment:?}: {error}; Pyro5 says {told}"));
        let (_, settings) = dump.split_once("settings:\n").unwrap();
        // Passwords are not shown here.
        let told = told.replace("PASSWD = sesame", "PASSWD = ***");
        let of_pyro4 = |line: &&str| PYRO4_ROWS.iter().any(|row| line.starts_with(row.0));
        let lines: Vec<String> =
            settings.lines().filter(|line| !of_pyro4(line)).map(|line| format!("{line:?}")).collect();
        assert_eq!(told, format!("{{\"lines\": [{}]}}", lines.join(", ")), "{environment:?}");
    }
}

#[test]
fn what_pyro_refuses_is_refused_with_the_name() {
    let wrong: &[(&str, &str)] = &[
        ("NS_PORT", "x"),
        ("NS_PORT", ""),
        ("NS_PORT", "1.5"),
        ("COMMTIMEOUT", "soon"),
        ("SSL", "maybe"),
        ("SSL", ""),
        ("MAX_RETRIES", "many"),
        ("NS_PROT", "1"),
        ("ns_port", "1"),
    ];
    let environments: Vec<_> =
        wrong.iter().map(|(name, value)| vec![(format!("PYRO_{name}"), (*value).to_owned())]).collect();
    for ((name, value), told) in wrong.iter().zip(pyro(&environments)) {
        assert!(told.contains("error"), "{name}={value}: Pyro5 takes it: {told}");
        let error = Config::from_vars([(format!("PYRO_{name}"), *value)]).unwrap_err().to_string();
        assert!(error.contains(&format!("PYRO_{name}")), "{error}");
        assert!(error.contains("should be") || error.contains("did you mean PYRO_NS_PORT?"), "{error}");
    }
    // Pyro notices these only when it uses them, or never.
    for (name, value, right) in [
        ("SERVERTYPE", "fork", "thread or multiplex"),
        ("SERIALIZER", "dill", "serpent"),
        ("PREFER_IP_VERSION", "5", "0, 4 or 6"),
        ("NS_PORT", "70000", "0 to 65535"),
        ("COMMTIMEOUT", "-1", "0 or more"),
        ("THREADPOOL_SIZE", "0", "1 or more"),
        ("THREADPOOL_SIZE_MIN", "0", "1 or more"),
        ("LOGLEVEL", "LOUD", "DEBUG"),
    ] {
        let error = Config::from_vars([(format!("PYRO_{name}"), value)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(right), "{error}");
    }
}
