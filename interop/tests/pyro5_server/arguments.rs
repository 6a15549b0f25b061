//! How arguments are given, and results read.

use std::collections::{BTreeMap, HashMap};

use salamander::{Args, Blob, Dict, Kind, Value};
use serde::{Deserialize, Serialize};

use crate::cases;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    number: u32,
    items: Vec<(String, f64)>,
    note: Option<String>,
}

fn order() -> Order {
    Order { number: 7, items: vec![("tea".to_owned(), 2.5), ("cake".to_owned(), 3.0)], note: None }
}

cases! {
    async fn positional_arguments_are_a_tuple(at) {
        let text: String = at.proxy().call("greet", ("Ada", "good morning", "?")).await.unwrap();
        assert_eq!(text, "good morning Ada?");
    }

    async fn no_arguments_are_the_empty_tuple(at) {
        at.proxy().call::<()>("nothing", ()).await.unwrap();
    }

    async fn values_can_be_arguments_too(at) {
        let args: Vec<Value> = vec![2.into(), 3.into()];
        assert_eq!(at.proxy().call::<i64>("add", args).await.unwrap(), 5);
    }

    async fn keyword_arguments_are_given_by_name(at) {
        let args = Args { positional: vec!["Ada".into()], keywords: Dict::from_iter([("mark", Value::from("?"))]) };
        assert_eq!(at.proxy().call::<String>("greet", args).await.unwrap(), "hello Ada?");
    }

    async fn a_request_collects_its_arguments(at) {
        let request = at.proxy().request("greet").arg("Eve").kwarg("greeting", "bye").kwarg("mark", ".");
        assert_eq!(request.send::<String>().await.unwrap().value, "bye Eve.");
    }

    async fn arguments_beyond_the_named_are_collected(at) -> Value {
        at.proxy().request("collect").args([1.into(), "two".into()]).kwarg("x", [3.5]).send().await.unwrap().value
    }

    async fn none_is_an_argument(at) {
        assert_eq!(at.proxy().call::<Option<i64>>("maybe", (None::<i64>,)).await.unwrap(), None);
        assert_eq!(at.proxy().call::<Option<i64>>("maybe", ()).await.unwrap(), None);
        assert_eq!(at.proxy().call::<Option<i64>>("maybe", (Some(3),)).await.unwrap(), Some(3));
    }

    async fn a_missing_argument_is_a_type_error(at) -> String {
        let error = at.proxy().call::<i64>("add", (1,)).await.unwrap_err();
        assert!(error.is("TypeError") && error.kind() == Kind::Remote);
        error.to_string()
    }

    async fn too_many_arguments_are_a_type_error(at) -> String {
        at.proxy().call::<i64>("add", (1, 2, 3)).await.unwrap_err().to_string()
    }

    async fn an_unknown_keyword_is_a_type_error(at) -> String {
        at.proxy().request("add").arg(1).kwarg("z", 2).send::<i64>().await.unwrap_err().to_string()
    }

    async fn results_are_read_as_the_type_that_is_asked_for(at) {
        let proxy = at.proxy();
        assert_eq!(proxy.call::<i64>("add", (40, 2)).await.unwrap(), 42);
        assert_eq!(proxy.call::<u8>("add", (40, 2)).await.unwrap(), 42);
        assert_eq!(proxy.call::<f64>("half", (3,)).await.unwrap(), 1.5);
        assert!(proxy.call::<bool>("echo", (true,)).await.unwrap());
        assert_eq!(proxy.call::<char>("echo", ("x",)).await.unwrap(), 'x');
        assert_eq!(proxy.call::<Value>("add", (40, 2)).await.unwrap(), Value::Int(42));
    }

    async fn a_result_of_another_type_is_misuse(at) {
        let error = at.proxy().call::<Vec<i64>>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Misuse, "{error}");
        let error = at.proxy().call::<u8>("add", (300, 1)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Misuse, "{error}");
    }

    async fn lists_and_tuples_are_vectors_and_tuples(at) {
        let proxy = at.proxy();
        assert_eq!(proxy.call::<Vec<i64>>("echo", (vec![1, 2, 3],)).await.unwrap(), [1, 2, 3]);
        assert_eq!(proxy.call::<(i64, String)>("echo", ((1, "two"),)).await.unwrap(), (1, "two".to_owned()));
    }

    async fn dicts_are_maps(at) {
        let map = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert_eq!(at.proxy().call::<BTreeMap<String, i64>>("echo", (&map,)).await.unwrap(), map);
        let map: HashMap<String, Option<f64>> = [("x".to_owned(), None)].into();
        assert_eq!(at.proxy().call::<HashMap<String, Option<f64>>>("echo", (&map,)).await.unwrap(), map);
    }

    async fn structs_are_dicts(at) {
        assert_eq!(at.proxy().call::<Order>("echo", (order(),)).await.unwrap(), order());
        let number: Value = at.proxy().call("echo", (order(),)).await.unwrap();
        assert_eq!(number.get("number"), Some(&Value::Int(7)));
    }

    async fn binary_data_is_a_blob(at) {
        // What JSON cannot carry it refuses, before anything is sent.
        let sent = at.proxy().call::<Value>("size", (Blob::from(&b"\0\x01\xff"[..]),)).await;
        match at.codec {
            salamander::Codec::Json => assert!(sent.is_err()),
            salamander::Codec::Serpent => assert!(sent.is_ok()),
            _ => assert_eq!(sent.unwrap(), Value::Int(3)),
        }
    }

    async fn large_arguments_and_results_pass(at) {
        let text = "x".repeat(3_000_000);
        assert_eq!(at.proxy().call::<usize>("size", (&text,)).await.unwrap(), text.len());
        assert!(at.proxy().call::<String>("echo", (&text,)).await.unwrap() == text);
    }

    async fn many_arguments_pass(at) {
        let args: Vec<Value> = (0..500).map(Value::from).collect();
        let collected: (i64, Vec<i64>, Dict) = at.proxy().call("collect", args).await.unwrap();
        assert_eq!((collected.0, collected.1.len(), collected.1[498]), (0, 499, 499));
    }
}
