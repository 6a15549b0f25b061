//! Examples that Pyro4 does not have, or has in other forms.

use interop::examples as ours;

use crate::Program;
use crate::both::{Play, new_stage, numbers, registered, words};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callcontext() {
    let (client, stage) = Play::of("callcontext").alike(numbers).same(ours::callcontext::serve).await;
    assert!(client.printed.contains("DDAA -> b'custom response annotation set by the daemon'"), "{}", client.printed);
    stage.printed.until("custom annotation: custom annotation from client (2)").await.unwrap();
    let correlation = client.printed.split_once("set to: ").unwrap().1.lines().next().unwrap();
    assert_eq!(stage.printed.text().matches(correlation).count(), 2, "{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_serialization() {
    let (client, stage) = Play::of("custom-serialization").alike(words).same(ours::custom_serialization::serve).await;
    assert!(client.printed.contains("type of response object: <class 'mycustomclasses.OtherThingy'>"));
    assert!(stage.printed.text().contains("arg=OtherThingy { number: 42 }"), "{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diffie_hellman() {
    let play = Play::named("diffie-hellman", "example.dh.keyexchange");
    let (client, stage) = play.alike(numbers).same(ours::diffie_hellman::serve).await;
    let key = client.printed.lines().find(|line| line.starts_with("shared secret key = ")).unwrap();
    assert_eq!(key.len(), "shared secret key =  ".len() + 64);
    assert!(stage.printed.text().contains(key), "{key}\n{}", stage.printed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privilege_separation() {
    // Where the kernel's messages may not be read, both servers say so in their own words.
    fn outcome(printed: &str) -> String {
        if printed.contains("ERROR: couldn't run the dmesg command in the server") { "refused" } else { printed }
            .to_owned()
    }
    let programs = Play::of("privilege-separation").programs(&["elevated_server.py"], &["elevated_client.py"]);
    programs.alike(outcome).same(ours::privilege_separation::serve_elevated).await;
    if !std::process::Command::new("setpriv").arg("--reuid=nobody").arg("true").status().is_ok_and(|is| is.success())
    {
        return interop::left_out("privileges can be dropped only by who has some");
    }
    let programs = Play::of("privilege-separation").programs(&["drop_privs_server.py"], &["drop_privs_client.py"]);
    let (client, _) = programs.ours(ours::privilege_separation::serve_restricted).await;
    assert!(
        client.printed.contains("'nobody')\n") && client.printed.contains("ERROR (expected): "),
        "{}",
        client.printed
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oneway_calls_side_by_side() {
    let play = Play::named("oneway", "example.oneway2").programs(&["server2.py"], &["client2.py"]);
    let (client, _) = play.same(ours::oneway::serve).await;
    assert!(client.printed.ends_with("counter is now:  6\n"), "{}", client.printed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timezones() {
    let (client, _) = Play::of("timezones").alike(shapes).same(ours::timezones::serve).await;
    assert_eq!(client.printed.matches("   parsed: DateTime(").count(), 4, "{}", client.printed);
    assert!(client.printed.contains("FixedTimezone(-18000, name=\"-05:00\")"), "{}", client.printed);
}

/// The zones are ours; all else is as theirs.
fn shapes(printed: &str) -> String {
    let printed =
        printed.replace("Timezone('Europe/Amsterdam')", "").replace("-05:00", "+01:00").replace("-18000", "3600");
    words(&printed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threadproxysharing() {
    let stage = new_stage().await;
    let with_ours = Program::start(&stage, "threadproxysharing", &["client.py"]).done().await;
    let server = Program::start(&stage, "threadproxysharing", &["-m", "Pyro5.nameserver", "-p", "0"]);
    let uri = server.uri().await;
    let settings = [("PYRO_NS_PORT", uri.rsplit(':').next().unwrap())];
    let with_theirs = Program::start_with(&stage, "threadproxysharing", &["client.py"], &settings).done().await;
    assert_eq!(numbers(&with_ours), numbers(&with_theirs));
    assert_eq!(with_ours.matches("Solution ").count(), 2, "{with_ours}");
}

/// Their bus, with a publisher and a subscriber of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messagebus_of_theirs() {
    let stage = new_stage().await;
    let server = Program::start(&stage, "messagebus", &["-m", "messagebus.server", "-s", "memory"]);
    registered(&stage, ours::messagebus::NAME, &server).await;
    let daemon = stage.daemon().await.unwrap();
    let subscriber = daemon.share(ours::messagebus::Subscriber(stage.printed.clone())).unwrap();
    daemon.spawn();
    let bus = stage.proxy("PYRONAME:Pyro.MessageBus").unwrap();
    bus.call::<()>("subscribe", ("news", &subscriber)).await.unwrap();
    for number in 0..10 {
        bus.call::<()>("send", ("news", ("number", number))).await.unwrap();
    }
    stage.printed.until("news: ('number', 9)").await.unwrap();
    let topics: std::collections::HashSet<String> = bus.call("topics", ()).await.unwrap();
    assert_eq!(topics, ["news".to_owned()].into());
    assert_eq!(stage.printed.text().matches("news: ").count(), 10, "{}", stage.printed.text());
}
