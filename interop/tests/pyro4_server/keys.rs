//! Keys that both sides have to know.

use std::str::FromStr;

use interop::pyro5::until;
use salamander::{Codec, Generation, Kind, PYRO5, Proxy, Uri};

use crate::{At, between, peers};

const KEY: &str = "a key";

/// Runs a case on daemons that have the key.
async fn on_both(case: impl AsyncFn(At)) {
    let theirs = peers::server(&["--key", KEY], &[]);
    let ours = peers::ours(&[], |builder| builder.hmac_key(KEY)).await;
    between(&Uri::from_str(&theirs.uri).unwrap(), &ours.uri, case).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_key_is_served() {
    on_both(async |at| {
        let proxy = at.proxy().with_hmac_key(KEY);
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
        assert_eq!(proxy.generation(), Some(Generation::Pyro4));
        assert!(proxy.call::<i64>("divide", (1, 0)).await.unwrap_err().is("ZeroDivisionError"));
        let mut batch = proxy.batch();
        batch.call("add", (1, 2)).call("add", (3, 4));
        assert_eq!(batch.send::<i64>().await.unwrap().map(Result::unwrap).collect::<Vec<_>>(), [3, 7]);
        assert_eq!(proxy.stream::<u32>("count_to", (3,)).await.unwrap().collect().await.unwrap(), [0, 1, 2]);
        let text = "long enough to be attached ".repeat(5000);
        assert!(proxy.call::<String>("echo", (&text,)).await.unwrap() == text);
        let calls = (0..20i64).map(|number| proxy.call::<i64>("add", (number, 1)));
        let sums: Vec<i64> = futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(sums, (1..=20).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_may_be_a_setting() {
    on_both(async |at| {
        let proxy = at.proxy_with(&[("PYRO_HMAC_KEY", KEY)]);
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    })
    .await;
    let ours = peers::ours(&[("PYRO_HMAC_KEY", KEY)], |builder| builder).await;
    let at = At { uri: ours.uri.clone(), codec: Codec::Json, generation: peers::GENERATION };
    assert!(at.proxy().call::<i64>("add", (1, 2)).await.is_err());
    assert_eq!(at.proxy().with_hmac_key(KEY).call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_another_key_or_none_is_refused() {
    on_both(async |at| {
        for proxy in [at.proxy().with_generation(Generation::Pyro4), at.proxy().with_hmac_key("another key")] {
            let error = proxy.call::<i64>("add", (1, 2)).await.unwrap_err();
            assert!(matches!(error.kind(), Kind::Protocol | Kind::Refused), "{error:?}");
            assert!(error.to_string().contains("hmac"), "{error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_no_secret_to_who_has_none() {
    let theirs = peers::server(&[], &[]);
    let ours = peers::ours(&[], |builder| builder).await;
    between(&Uri::from_str(&theirs.uri).unwrap(), &ours.uri, async |at| {
        let error = at.proxy().with_hmac_key(KEY).call::<i64>("add", (1, 2)).await.unwrap_err();
        assert!(error.to_string().contains("hmac key config not symmetric"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_closes_pyro_5_unless_it_is_opened_by_name() {
    let at = |uri: &Uri| Proxy::with_config(uri.clone(), std::sync::Arc::default()).unwrap();
    let closed = peers::ours(&[], |builder| builder.hmac_key(KEY)).await;
    let error = at(&closed.uri).call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("this daemon has an HMAC key"), "{error}");
    let open = peers::ours(&[], |builder| builder.hmac_key(KEY).without_key(PYRO5)).await;
    assert_eq!(at(&open.uri).call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(at(&open.uri).with_hmac_key(KEY).call::<i64>("add", (1, 2)).await.unwrap(), 3);
    until("refused clients are gone", async || closed.handle.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pyro_5_has_no_serializer_for_is_misuse() {
    let ours = peers::ours(&[], |builder| builder).await;
    let proxy =
        Proxy::with_config(ours.uri.clone(), std::sync::Arc::default()).unwrap().with_serializer(Codec::Pickle);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let error = proxy.with_generation(Generation::Pyro5).call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misuse);
    assert_eq!(error.to_string(), "Pyro 5 has no serializer pickle");
}
