//! Attributes, special methods, private names, metadata, and the daemon's own object.

use std::collections::{BTreeMap, BTreeSet};

use salamander::{DAEMON_NAME, Kind, Value};

use crate::cases;

cases! {
    async fn an_attribute_is_read(at) {
        assert_eq!(at.proxy().get::<String>("name").await.unwrap(), "thing");
    }

    async fn an_attribute_is_set(at) {
        let proxy = at.proxy();
        proxy.set("velocity", &12).await.unwrap();
        assert_eq!(proxy.get::<i64>("velocity").await.unwrap(), 12);
    }

    async fn a_read_only_attribute_is_not_set(at) -> String {
        let error = at.proxy().set("name", "other").await.unwrap_err();
        assert!(error.is("AttributeError"));
        error.to_string()
    }

    async fn an_unknown_attribute_is_an_attribute_error(at) -> String {
        let error = at.proxy().get::<Value>("nonsense").await.unwrap_err();
        assert!(error.is("AttributeError"));
        error.to_string()
    }

    async fn an_attribute_that_raises_raises(at) -> String {
        at.proxy().get::<Value>("failing").await.unwrap_err().to_string()
    }

    async fn an_unknown_method_is_an_attribute_error(at) -> String {
        let error = at.proxy().call::<Value>("nonsense", ()).await.unwrap_err();
        assert!(error.is("AttributeError"));
        error.to_string()
    }

    async fn an_unexposed_method_is_refused(at) -> String {
        at.proxy().call::<Value>("unexposed", ()).await.unwrap_err().to_string()
    }

    async fn private_names_are_refused(at) -> Vec<String> {
        let mut errors = Vec::new();
        for name in ["_private", "__init__", "__class__", "_", "__reduce__"] {
            errors.push(at.proxy().call::<Value>(name, ()).await.unwrap_err().to_string());
        }
        errors
    }

    async fn special_methods_are_called_by_name(at) {
        let shelf = at.own("shelf").await;
        shelf.call::<()>("__setitem__", ("a", 1)).await.unwrap();
        assert_eq!(shelf.call::<usize>("__len__", ()).await.unwrap(), 1);
        assert_eq!(shelf.call::<i64>("__getitem__", ("a",)).await.unwrap(), 1);
        assert!(shelf.call::<bool>("__contains__", ("a",)).await.unwrap());
        assert_eq!(shelf.stream::<String>("__iter__", ()).await.unwrap().collect().await.unwrap(), ["a"]);
        shelf.call::<()>("__delitem__", ("a",)).await.unwrap();
        assert!(shelf.call::<i64>("__getitem__", ("a",)).await.unwrap_err().is("KeyError"));
    }

    async fn metadata_tells_what_there_is(at) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
        let proxy = at.proxy();
        let metadata = proxy.metadata().await.unwrap();
        assert!(metadata.methods.contains(&"greet".to_owned()) && metadata.oneway.contains(&"note".to_owned()));
        let set = |names: &[String]| names.iter().cloned().collect();
        (set(&metadata.methods), set(&metadata.oneway), set(&metadata.attrs))
    }

    async fn a_daemon_answers_for_itself(at) {
        let daemon = at.named(DAEMON_NAME);
        daemon.call::<()>("ping", ()).await.unwrap();
        let ids: Vec<String> = daemon.call("registered", ()).await.unwrap();
        assert!(ids.contains(&"thing".to_owned()) && ids[0] == DAEMON_NAME);
        let info: String = daemon.call("info", ()).await.unwrap();
        assert!(info.starts_with("Pyro.Daemon bound on ") && info.contains("objects registered"), "{info}");
    }

    async fn metadata_can_be_asked_for_by_id(at) -> BTreeMap<String, BTreeSet<String>> {
        let row = at.own("row").await;
        at.named(DAEMON_NAME).call("get_metadata", (row.uri().object(),)).await.unwrap()
    }

    async fn metadata_of_an_unknown_object_is_an_error(at) -> String {
        at.named(DAEMON_NAME).call::<Value>("get_metadata", ("nobody",)).await.unwrap_err().to_string()
    }

    async fn an_unknown_object_is_refused(at) {
        let error = at.named("nobody").bind().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.to_string().ends_with("rejected: unknown object"), "{error}");
    }

    async fn a_oneway_call_is_not_waited_for(at) {
        let (proxy, note, signal) = (at.proxy(), crate::key(), crate::key());
        proxy.oneway("note_after", (&note, "x", &signal)).await.unwrap();
        proxy.call::<i64>("write_note", (&signal, "now")).await.unwrap();
        assert_eq!(proxy.call::<Vec<String>>("notes", (&note, 1)).await.unwrap(), ["x"]);
    }

    async fn a_method_that_is_declared_oneway_is_called_so(at) {
        let (proxy, note, signal) = (at.proxy(), crate::key(), crate::key());
        proxy.bind().await.unwrap();
        proxy.call::<()>("note_after", (&note, "x", &signal)).await.unwrap();
        proxy.call::<i64>("write_note", (&signal, "now")).await.unwrap();
        assert_eq!(proxy.call::<Vec<String>>("notes", (&note, 1)).await.unwrap(), ["x"]);
    }

    async fn failures_of_oneway_calls_are_not_heard(at) {
        let proxy = at.proxy();
        proxy.oneway("fail_oneway", ()).await.unwrap();
        proxy.oneway("nonsense", (1, 2)).await.unwrap();
        proxy.oneway("divide", (1, 0)).await.unwrap();
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    }
}
