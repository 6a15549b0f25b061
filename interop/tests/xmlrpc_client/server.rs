//! What our server has that Python's has not, and its limits.

use interop::http::Ask;
use interop::metered::Meter;
use interop::xmlrpc::Ours;
use salamander::http::xmlrpc::Options;
use salamander::http::{Site, XmlRpc};

fn call(method: &str, params: &str) -> String {
    format!("<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>")
}

async fn answer(ours: &Ours, body: impl Into<Vec<u8>>) -> (u16, String) {
    let answer = Ask::post("/RPC2", body).send(([127, 0, 0, 1], ours.port).into()).await;
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn none_and_long_integers_are_written_where_that_is_wanted() {
    let options = Options::new().allow_none(true).long_integers(true);
    let ours = Ours::start(XmlRpc::new().options(options)).await;
    assert!(answer(&ours, call("nothing", "")).await.1.contains("<value><nil/></value>"));
    assert!(answer(&ours, call("long", "")).await.1.contains("<value><i8>2147483648</i8></value>"));
}

#[tokio::test]
async fn only_those_with_a_name_and_password_get_in() {
    let ours = Ours::start(XmlRpc::new().user("ada", "secret")).await;
    let address = ([127, 0, 0, 1], ours.port).into();
    let refused = Ask::post("/RPC2", call("nothing", "")).send(address).await;
    assert_eq!((refused.status, refused.header("www-authenticate").is_some()), (401, true));
    let let_in = Ask::post("/RPC2", call("letters", "<param><value><int>3</int></value></param>"));
    let let_in = let_in.header("Authorization", "Basic YWRhOnNlY3JldA==").send(address).await;
    assert_eq!(let_in.status, 200);
}

#[tokio::test]
async fn bodies_are_limited_before_and_after_they_are_decompressed() {
    let ours = Ours::start(XmlRpc::new().max_body(10_000)).await;
    assert_eq!(answer(&ours, vec![b' '; 10_001]).await.0, 413);
    assert_eq!(answer(&ours, vec![b' '; 10_000]).await.0, 200);
    // 1 MB of spaces, compressed.
    let bomb = interop::xmlrpc::gzip(&vec![b' '; 1_000_000]);
    assert!(bomb.len() < 10_000);
    let ask = Ask::post("/RPC2", bomb).header("Content-Encoding", "gzip");
    assert_eq!(ask.send(([127, 0, 0, 1], ours.port).into()).await.status, 400);
}

/// What is too large is a fault, in a multicall for one call alone, of which there is still room for the others.
#[tokio::test]
async fn responses_are_limited() {
    let ours = Ours::start(XmlRpc::new().max_response(200)).await;
    let letters = |count: u32| format!("<value><int>{count}</int></value>");
    let one = |count: u32| answer(&ours, call("letters", &format!("<param>{}</param>", letters(count))));
    assert!(one(50).await.1.contains(&"x".repeat(50)));
    assert!(one(200).await.1.contains("a response of more than 200 bytes"));
    let entry = |count: u32| {
        let params = format!("<value><array><data>{}</data></array></value>", letters(count));
        format!(
            "<value><struct><member><name>methodName</name><value>letters</value></member><member><name>params</name>\
             {params}</member></struct></value>"
        )
    };
    let entries = [60, 200, 61].map(entry).concat();
    let calls = format!("<param><value><array><data>{entries}</data></array></value></param>");
    let told = answer(&ours, call("system.multicall", &calls)).await.1;
    assert_eq!(told.matches("a response of more than 200 bytes").count(), 1, "{told}");
    assert!(
        told.contains(&format!(">{}<", "x".repeat(60))) && told.contains(&format!(">{}<", "x".repeat(61))),
        "{told}"
    );
}

#[tokio::test]
async fn attacks_by_xml_are_refused() {
    let ours = Ours::start(XmlRpc::new()).await;
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><methodCall><methodName>&b;</methodName></methodCall>";
    let deep = "<value><array><data>".repeat(100_000);
    for body in [laughs.to_owned(), call("echo", &deep)] {
        let (status, said) = answer(&ours, body).await;
        assert_eq!(status, 200);
        assert!(said.contains("ExpatError") || said.contains("RecursionError"), "{said}");
    }
}

#[tokio::test]
async fn a_multicall_has_so_many_calls_and_no_multicall_in_it() {
    let ours = Ours::start(XmlRpc::new().max_calls(2)).await;
    let one = "<value><struct><member><name>methodName</name><value>NAME</value></member><member><name>params</name>\
               <value><array><data/></array></value></member></struct></value>";
    let multi = |calls: &str| {
        call("system.multicall", &format!("<param><value><array><data>{calls}</data></array></value></param>"))
    };
    let count = one.replace("NAME", "count");
    assert!(answer(&ours, multi(&count.repeat(2))).await.1.contains("<int>0</int>"));
    assert!(answer(&ours, multi(&count.repeat(3))).await.1.contains("more than 2 calls"));
    let nested = one.replace("NAME", "system.multicall");
    assert!(answer(&ours, multi(&nested)).await.1.contains("RecursionError"));
}

#[tokio::test]
async fn each_call_of_a_multicall_goes_through_the_layers_by_itself() {
    let meter = Meter::default();
    let ours = Ours::with(|builder| builder.layer(meter.clone()).door(Site::new().xmlrpc(XmlRpc::new()))).await;
    let one = "<value><struct><member><name>methodName</name><value>count</value></member><member><name>params</name>\
               <value><array><data/></array></value></member></struct></value>";
    let calls_of = format!("<param><value><array><data>{}</data></array></value></param>", one.repeat(5));
    assert_eq!(answer(&ours, call("system.multicall", &calls_of)).await.0, 200);
    assert_eq!(answer(&ours, call("count", "")).await.0, 200);
    assert_eq!(meter.calls(), 6);
}

#[tokio::test]
async fn the_start_page_lists_what_there_is() {
    let ours = Ours::start(XmlRpc::new()).await;
    let page = Ask::get("/").send(([127, 0, 0, 1], ours.port).into()).await;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(html.contains("XML-RPC") && html.contains("some.thing.echo") && html.contains("/RPC2"), "{html}");
    assert_eq!(Ask::get("/nope").send(([127, 0, 0, 1], ours.port).into()).await.status, 404);
}

#[tokio::test]
async fn pages_of_others_may_not_call() {
    let ours = Ours::with(|builder| builder.door(Site::new().xmlrpc(XmlRpc::new()).own_pages_only(Vec::new()))).await;
    let address = ([127, 0, 0, 1], ours.port).into();
    let ask = Ask::post("/RPC2", call("count", ""));
    assert_eq!(ask.clone().send(address).await.status, 200);
    assert_eq!(ask.header("Origin", "http://elsewhere.example").send(address).await.status, 403);
}
