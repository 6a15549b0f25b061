//! Objects that come and go: instances by mode, objects handed over, blobs, what comes back undecoded.

use std::sync::Arc;

use interop::pyro5::office::{Order, SoldOut};
use salamander::prelude::*;
use salamander::{Codec, Config, Kind, SerializedBlob};

use crate::{At, cases, key};

async fn visits(proxy: &Proxy, times: usize) -> Vec<i64> {
    let mut counts = Vec::new();
    for _ in 0..times {
        counts.push(proxy.call("visit", ()).await.unwrap());
    }
    counts
}

/// What a daemon of Pyro's cannot do with marshal: hand objects over.
fn marshal(at: &At) -> bool {
    at.codec == Codec::Marshal
}

/// A client's own object, to be called back.
struct Listener;

#[expose]
impl Listener {
    #[callback]
    fn hear(&self, text: &str) -> Result<String, Exception> {
        match text {
            "fail" => Err(Exception::value_error("the listener does not like it")),
            text => Ok(format!("heard {text}")),
        }
    }
}

cases! {
    async fn a_single_instance_serves_all(at) {
        let (one, two) = (at.named("single"), at.named("single"));
        let first = visits(&one, 1).await[0];
        assert_eq!(visits(&two, 1).await, [first + 1]);
    }

    async fn a_session_has_an_instance_of_its_own(at) {
        let (one, two) = (at.named("session"), at.named("session"));
        assert_eq!(visits(&one, 2).await, [11, 12]);
        assert_eq!(visits(&two, 1).await, [11]);
        assert_eq!(visits(&one.clone(), 1).await, [13]);
        one.release();
        assert_eq!(visits(&one, 1).await, [11]);
    }

    async fn each_call_has_an_instance_of_its_own(at) {
        assert_eq!(visits(&at.named("percall"), 3).await, [1, 1, 1]);
    }

    async fn a_batch_is_one_call_to_its_instance(at) {
        if marshal(&at) {
            return;
        }
        let mut batch = at.named("percall").batch();
        for _ in 0..3 {
            batch.call("visit", ());
        }
        let results = batch.send::<i64>().await.unwrap().collect::<Result<Vec<_>>>();
        assert_eq!(results.unwrap(), [1, 2, 3]);
    }

    async fn an_instance_that_cannot_be_made_is_a_failed_call(at) {
        let error = at.named("unlucky").call::<i64>("visit", ()).await.unwrap_err();
        assert!(error.is("ValueError") && error.to_string().contains("no instance today"), "{error}");
    }

    async fn an_object_that_is_handed_over_arrives_as_a_proxy(at) {
        if marshal(&at) {
            return;
        }
        let account: Proxy = at.named("desk").call("open", (5,)).await.unwrap();
        let metadata = account.metadata().await.unwrap();
        assert_eq!((metadata.methods.clone(), metadata.attrs.clone()), (vec!["deposit".into()], vec!["balance".into()]));
        assert_eq!(account.call::<i64>("deposit", (3,)).await.unwrap(), 8);
        assert_eq!(account.get::<i64>("balance").await.unwrap(), 8);
    }

    async fn proxies_stand_anywhere_in_a_result(at) {
        if marshal(&at) {
            return;
        }
        #[derive(serde::Deserialize)]
        struct Opened {
            first: Proxy,
            all: Vec<Proxy>,
        }
        let opened: Opened = at.named("desk").call("open_two", ()).await.unwrap();
        assert_eq!(opened.first.call::<i64>("deposit", (10,)).await.unwrap(), 11);
        assert_eq!(opened.all[1].call::<i64>("deposit", (10,)).await.unwrap(), 13);
    }

    async fn an_object_that_was_handed_over_comes_home(at) {
        if marshal(&at) {
            return;
        }
        let desk = at.named("desk");
        let account: Proxy = desk.call("open", (5,)).await.unwrap();
        assert_eq!(desk.call::<i64>("deposit_into", (&account, 2)).await.unwrap(), 7);
        assert_eq!(account.call::<i64>("deposit", (1,)).await.unwrap(), 8);
    }

    async fn an_object_that_was_taken_out_is_unknown(at) {
        if marshal(&at) {
            return;
        }
        let desk = at.named("desk");
        let account: Proxy = desk.call("open", (5,)).await.unwrap();
        desk.call::<()>("close", (&account,)).await.unwrap();
        let error = account.call::<i64>("deposit", (1,)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.to_string().ends_with("rejected: unknown object"), "{error}");
    }

    async fn a_client_is_called_back(at) {
        // Whatever the desk is called with, it calls back with.
        let config = Config::from_vars([interop::pyro4::ACCEPTED]).unwrap();
        let daemon = Daemon::builder().config(Arc::new(config)).bind("127.0.0.1:0").await.unwrap();
        let listener = daemon.share(Listener).unwrap();
        let daemon = daemon.spawn();
        let desk = at.named("desk");
        assert_eq!(desk.call::<String>("tell", (&listener, "news")).await.unwrap(), "heard news");
        let error = desk.call::<String>("tell", (&listener, "fail")).await.unwrap_err();
        assert!(error.is("ValueError"), "{error}");
        daemon.shutdown();
    }

    async fn instances_and_exceptions_of_own_classes_go_both_ways(at) {
        if at.codec == Codec::Pickle {
            return;
        }
        let desk = at.named("desk");
        let order = |number, item: &str| Order { number, items: vec![item.to_owned()] };
        assert_eq!(desk.call::<Order>("order_again", (order(7, "tea"),)).await.unwrap(), order(8, "tea"));
        let error = desk.call::<Order>("order_again", (order(7, "nothing"),)).await.unwrap_err();
        assert!(error.is("shop.SoldOut"), "{error}");
        let sold_out = error.exception().unwrap().downcast::<SoldOut>().unwrap().unwrap();
        assert_eq!(sold_out, SoldOut { item: "nothing".into(), left: 0 });
        let wrong = desk.call::<Order>("order_again", (7,)).await.unwrap_err();
        assert!(wrong.is("TypeError"), "{wrong}");
    }

    async fn a_blob_arrives_undecoded(at) {
        // Pyro's daemon gives the word "params" for whatever came as JSON.
        if at.codec == Codec::Json {
            return;
        }
        let blob = SerializedBlob::new("label", vec![1, 2, 3]).unwrap();
        let (info, data): (String, Vec<i64>) = at.named("desk").call_blob("weigh", &blob).await.unwrap();
        assert_eq!((&*info, data), ("label", vec![1, 2, 3]));
    }

    async fn a_blob_is_passed_on_as_it_came(at) {
        if at.codec == Codec::Json {
            return;
        }
        let desk = at.named("desk");
        let blob = SerializedBlob::new(desk.uri().to_string(), vec!["cargo"; 1000]).unwrap();
        let (info, data): (String, Vec<String>) = desk.call_blob("relay", &blob).await.unwrap();
        assert_eq!((info, data.len()), (desk.uri().to_string(), 1000));
    }

    async fn resources_are_freed_when_their_client_leaves(at) {
        let names = [key(), key(), key()];
        let (desk, other) = (at.named("desk"), at.named("desk"));
        desk.call::<()>("keep", (&names,)).await.unwrap();
        desk.call::<()>("give_back", (&names[1],)).await.unwrap();
        assert!(other.call::<Vec<String>>("freed_now", (&names,)).await.unwrap().is_empty());
        desk.release();
        let freed = [&names[0], &names[2]];
        assert_eq!(other.call::<Vec<String>>("freed", (freed,)).await.unwrap(), [&*names[0], &names[2]]);
        assert_eq!(other.call::<Vec<String>>("freed_now", (&names,)).await.unwrap().len(), 2);
    }

    async fn a_reply_may_be_left_as_it_came(at) {
        let reply = at.proxy().request("add").arg(1).arg(2).raw().await.unwrap().unwrap();
        assert_eq!((reply.serializer, reply.flags & 1), (at.codec, 0));
        let value = reply.serializer.decode_value(&reply.body, &salamander::CodecSettings::default()).unwrap();
        assert_eq!(value, Value::from(3));
        let failed = at.proxy().request("divide").arg(1).arg(0).raw().await.unwrap().unwrap();
        assert_eq!(failed.flags & 1, 1);
    }

    async fn a_client_may_refuse_the_daemon(at) {
        let checked = |wanted: &'static str| {
            at.proxy().with_handshake_check(move |greeting| match greeting.response.as_str() == Some(wanted) {
                true => Ok(()),
                false => Err(Exception::pyro("SecurityError", format!("the daemon says {}", greeting.response))),
            })
        };
        assert_eq!(checked("hello").call::<i64>("add", (1, 2)).await.unwrap(), 3);
        let error = checked("the secret word").call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (Kind::Refused, "the daemon says 'hello'".to_owned()));
    }
}
