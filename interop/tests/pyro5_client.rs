//! The Python client against our daemon: each case of `interop/python/cases` is a test of its own.
//!
//! A case is run with every serializer, first against a Python daemon, which shows that it is right, then against ours; what
//! it gives has to be the same, type by type.
#![allow(clippy::disallowed_methods)]

use interop::pyro5::SERIALIZERS;
use interop::pyro5::ours::{Ours, greeter};
use interop::pyro5::peer::{Server, client};
use salamander::Builder;

include!("cases/common.rs");

/// Runs a case against two daemons.
async fn run(case: &str, theirs: &str, ours: &Ours) {
    let arguments = [case, &SERIALIZERS.join(","), theirs, &ours.uri.to_string()];
    if let Err(said) = client(&arguments, &[]).await {
        panic!("{said}");
    }
}

/// Runs a case against daemons that have nothing special.
async fn run_case(case: &str) {
    run(case, &Server::shared().uri, &Ours::start().await).await;
}

/// Runs a case against two daemons with these settings.
async fn run_with(
    case: &str,
    settings: &[(&str, &str)],
    arguments: &[&str],
    set_up: impl FnOnce(Builder) -> Builder,
) {
    let theirs = Server::start(arguments, settings);
    let ours = Ours::with(settings, "127.0.0.1:0", set_up).await;
    run(case, &theirs.uri, &ours).await;
}

/// Runs a case against two daemons at such addresses.
async fn run_at(case: &str, arguments: &[&str], address: &str) {
    let theirs = Server::start(arguments, &[]);
    let ours = Ours::with(&[], address, |builder| builder).await;
    run(case, &theirs.uri, &ours).await;
}

#[tokio::test]
async fn every_case_of_the_python_side_is_run() {
    let listed = client(&["--list"], &[]).await.expect("the cases are listed");
    all_are_there(&listed, &[pyro5::CASES]);
}

cases! { pyro5:
    an_object_that_nobody_keeps_is_unknown,
    the_length_is_remote,
    items_are_set_read_and_deleted,
    iteration_asks_the_remote_iterator,
    iteration_goes_by_index_where_there_is_no_iterator,
    membership_is_found_by_iteration,
    an_object_without_length_has_none,
    large_annotations_arrive,
    large_annotations_come_back,
    a_proxy_belongs_to_its_thread,
}
