//! Pyro4's client against our daemon, by the cases of Pyro5's: each case of `interop/python/cases` is a test of its own.
//!
//! A case is run with every serializer, pickle among them, first against a daemon of Pyro4, which shows that it is right, then against
//! ours; what it gives has to be the same, type by type.
#![allow(clippy::disallowed_methods)]

use interop::pyro4::{SERIALIZERS, client, ours, server, shared};
use interop::pyro5::ours::{Ours, greeter};
use salamander::Builder;

include!("cases/common.rs");

/// Runs a case against two daemons.
async fn run(case: &str, theirs: &str, ours: &Ours) {
    let arguments = [case, &SERIALIZERS.join(","), theirs, &ours.uri.to_string()];
    if let Err(said) = client(&arguments).await {
        panic!("{said}");
    }
}

/// Runs a case against daemons that have nothing special.
async fn run_case(case: &str) {
    let ours = ours(&[], "127.0.0.1:0", |builder| builder).await;
    run(case, &shared().uri, &ours).await;
}

/// Runs a case against two daemons with these settings.
async fn run_with(
    case: &str,
    settings: &[(&str, &str)],
    arguments: &[&str],
    set_up: impl FnOnce(Builder) -> Builder,
) {
    let theirs = server(arguments, settings);
    let ours = ours(settings, "127.0.0.1:0", set_up).await;
    run(case, &theirs.uri, &ours).await;
}

/// Runs a case against two daemons at such addresses.
async fn run_at(case: &str, arguments: &[&str], address: &str) {
    let theirs = server(arguments, &[]);
    let ours = ours(&[], address, |builder| builder).await;
    run(case, &theirs.uri, &ours).await;
}

/// The key of `pyro4_cases.py`.
const KEY: &str = "the key of these tests";

/// What Pyro4 accepts unless it is told otherwise, but for msgpack.
const DEFAULT: (&str, &str) = ("PYRO_SERIALIZERS_ACCEPTED", "serpent,marshal,json");

cases_with! { keys:
    a_serializer_that_is_not_accepted_is_refused: [DEFAULT], [], |b| b;
    a_call_in_a_serializer_that_is_not_accepted_is_refused: [DEFAULT], [], |b| b;
    who_has_the_key_is_served: [], ["--key", KEY], |b| b.hmac_key(KEY);
    who_has_no_key_is_refused: [], ["--key", KEY], |b| b.hmac_key(KEY);
    who_has_another_key_is_refused: [], ["--key", KEY], |b| b.hmac_key(KEY);
    who_has_a_key_where_there_is_none_is_refused: [], [], |b| b;
    a_message_that_was_changed_on_its_way_is_refused: [], ["--key", KEY], |b| b.hmac_key(KEY);
}

#[tokio::test]
async fn every_case_of_the_python_side_is_run() {
    let listed = client(&["--list"]).await.expect("the cases are listed");
    let mut further = vec![pyro4::CASES, keys::CASES];
    further.extend(LEFT_OUT.iter().map(|(_, cases)| *cases));
    all_are_there(&listed, &further);
}

/// What Pyro4 has nothing of.
const LEFT_OUT: &[(&str, &[&str])] = &[
    ("any thread may use a proxy of Pyro4", &["a_proxy_belongs_to_its_thread"]),
    (
        "a proxy of Pyro4 is no container",
        &[
            "the_length_is_remote",
            "an_object_without_length_has_none",
            "items_are_set_read_and_deleted",
            "iteration_asks_the_remote_iterator",
            "iteration_goes_by_index_where_there_is_no_iterator",
            "membership_is_found_by_iteration",
        ],
    ),
    ("Pyro4 keeps all that is registered", &["an_object_that_nobody_keeps_is_unknown"]),
    ("an annotation of Pyro4 has 65,535 bytes at most", &["large_annotations_arrive", "large_annotations_come_back"]),
];

cases! { pyro4:
    an_asynchronous_call_gives_a_future,
    what_comes_of_a_future_goes_on_to_functions,
    an_asynchronous_call_that_fails_raises_where_its_value_is_wanted,
    a_function_of_a_future_may_be_remote,
    an_asynchronous_batch_gives_its_results,
    a_client_without_metadata_calls_by_name,
    a_client_without_metadata_connects_for_an_object_that_is_not_there,
    a_client_without_metadata_reads_no_attributes,
    metadata_may_be_asked_for_as_lists,
    a_pickle_of_an_unknown_class_is_refused_by_ours,
    nothing_in_a_pickle_is_run_by_ours,
    all_protocols_of_pickle_are_read,
    what_a_pickle_shares_arrives_as_often_as_it_stands_there,
    what_is_inside_of_itself_is_refused_by_ours,
}
