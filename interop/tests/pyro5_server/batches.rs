//! Many calls in one message, from our side.

use salamander::{Codec, Kind, Value};

use crate::{At, cases, key};

/// Whether exceptions can stand in a batch: marshal cannot write one that is inside of a list.
fn carries_exceptions(at: &At) -> bool {
    at.codec != Codec::Marshal
}

cases! {
    async fn a_batch_gives_its_results_in_order(at) {
        let mut batch = at.proxy().batch();
        for number in 0..100i64 {
            batch.call("add", (number, 1));
        }
        assert_eq!(batch.len(), 100);
        let sums: Vec<i64> = batch.send::<i64>().await.unwrap().map(Result::unwrap).collect();
        assert_eq!(sums, (1..=100).collect::<Vec<_>>());
    }

    async fn results_of_a_batch_may_be_of_several_types(at) -> Vec<Value> {
        let mut batch = at.proxy().batch();
        batch.call("add", (1, 2)).call("greet", ("Ada",)).call("nothing", ()).call("echo", (vec![1, 2],));
        batch.send::<Value>().await.unwrap().map(Result::unwrap).collect()
    }

    async fn a_batch_ends_with_the_first_exception(at) {
        if !carries_exceptions(&at) {
            return;
        }
        let (proxy, note) = (at.proxy(), key());
        let mut batch = proxy.batch();
        batch.call("write_note", (note.clone(), "before"));
        batch.call("divide", (1, 0));
        batch.call("write_note", (note.clone(), "after"));
        let results: Vec<_> = batch.send::<Value>().await.unwrap().collect();
        assert_eq!(results.len(), 2);
        assert!(results[0].is_ok() && results[1].as_ref().unwrap_err().is("ZeroDivisionError"));
        assert_eq!(proxy.call::<Vec<String>>("notes", (&note, 1)).await.unwrap(), ["before"]);
    }

    async fn an_exception_in_a_batch_has_arguments_and_a_traceback(at) {
        if !carries_exceptions(&at) {
            return;
        }
        let mut batch = at.proxy().batch();
        batch.call("raise_builtin", ("KeyError", vec!["gone"]));
        let error = batch.send::<Value>().await.unwrap().next().unwrap().unwrap_err();
        let exception = error.exception().unwrap();
        assert!(exception.traceback().concat().contains("KeyError"));
        assert_eq!(exception.args(), ["gone".into()]);
    }

    async fn an_empty_batch_gives_nothing(at) {
        assert_eq!(at.proxy().batch().send::<Value>().await.unwrap().count(), 0);
    }

    async fn an_unknown_method_fails_the_whole_batch(at) -> String {
        let mut batch = at.proxy().batch();
        batch.call("add", (1, 2)).call("nonsense", ());
        let error = batch.send::<Value>().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Remote);
        error.to_string()
    }

    async fn wrong_arguments_in_a_batch_are_among_the_results(at) {
        if !carries_exceptions(&at) {
            return;
        }
        let mut batch = at.proxy().batch();
        batch.call("add", (1, 2)).call("add", (1,));
        let error = batch.send::<Value>().await.unwrap().last().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "TypeError: Thing.add() missing 1 required positional argument: 'y'");
    }

    async fn a_oneway_batch_is_made_and_not_waited_for(at) {
        let (proxy, note) = (at.proxy(), key());
        let mut batch = proxy.batch();
        for text in ["0", "1", "2"] {
            batch.call("write_note", (note.clone(), text));
        }
        batch.oneway().await.unwrap();
        assert_eq!(proxy.call::<Vec<String>>("notes", (&note, 3)).await.unwrap(), ["0", "1", "2"]);
    }

    async fn methods_that_wait_keep_their_order_in_a_batch(at) {
        let mut batch = at.proxy().batch();
        let note = key();
        batch.call("write_note", (note.clone(), "a")).call("later", (0.01,)).call("write_note", (note, "b"));
        let results: Vec<f64> = batch.send().await.unwrap().map(Result::unwrap).collect();
        assert_eq!(results, [1.0, 0.01, 2.0]);
    }
}
