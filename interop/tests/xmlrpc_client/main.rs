//! Python's client of XML-RPC against our server: the cases of `interop/python/xmlrpc_client.py`, each against Python's own server too.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod server;

use interop::python;
use interop::xmlrpc::{Ours, Theirs};
use salamander::http::XmlRpc;

/// Tests that run the case of their name.
macro_rules! cases {
    ($($name:ident,)*) => {
        const CASES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                run(stringify!($name)).await;
            }
        )*
    };
}

cases! {
    a_client_that_leaves_hurts_nobody,
    a_multicall_gives_each_result,
    a_multicall_of_nothing_is_nothing,
    both_paths_lead_there,
    documents_are_answered_byte_for_byte,
    encodings_are_read,
    exceptions_are_faults,
    faults_keep_their_code,
    functions_are_called_by_name,
    introspection_takes_its_arguments_only,
    long_responses_are_compressed_for_those_who_take_it,
    many_calls_go_over_one_connection,
    many_clients_call_at_once,
    methods_are_called_behind_the_last_dot,
    methods_are_listed,
    methods_have_help,
    none_is_read_where_it_comes,
    other_requests_are_refused_with_the_same_status,
    requests_may_be_compressed,
    signatures_are_not_supported,
    unknown_methods_are_faults,
    values_come_back_as_they_were,
    what_cannot_be_written_is_a_fault,
    wrappers_come_back_as_they_were,
    wrong_multicalls_are_faults,
}

async fn run(case: &str) {
    let theirs = Theirs::start(&[]);
    let ours = Ours::start(XmlRpc::new()).await;
    let mut command = tokio::process::Command::from(python::script("xmlrpc_client.py"));
    command.arg(case).arg(theirs.port.to_string()).arg(ours.port.to_string());
    let output = command.output().await.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

#[tokio::test]
async fn every_case_is_run() {
    let mut command = python::script("xmlrpc_client.py");
    let output = command.arg("--list").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), CASES);
}
