//! Two independent Python clients against our server: jsonrpcclient over three transports, and jsonrpclib-pelix.

use interop::jsonrpc::Ours;
use interop::python;

/// What each of jsonrpcclient's transports is asked, and jsonrpclib-pelix.
const CASES: [&str; 10] =
    ["batch", "discovery", "errors", "ids", "methods", "named", "notification", "positional", "stream", "values"];

#[tokio::test(flavor = "multi_thread")]
async fn python_clients_are_served() {
    let ours = Ours::start().await;
    let port = ours.port.to_string();
    let ran = tokio::task::spawn_blocking(move || python::script("jsonrpc_client.py").arg(port).output().unwrap());
    let output = ran.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for transport in ["Posting", "Lines", "Socket"] {
        for case in CASES {
            let line = format!("jsonrpcclient, {transport}: {case}");
            assert!(said.lines().any(|said| said == line), "{line} is missing in\n{said}");
        }
    }
    for case in ["calls", "errors", "batch"] {
        let line = format!("jsonrpclib-pelix: {case}");
        assert!(said.lines().any(|said| said == line), "{line} is missing in\n{said}");
    }
}
