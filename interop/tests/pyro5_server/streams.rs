//! Results that come item by item, on our side.

use futures_util::StreamExt;
use salamander::{Kind, Value};

use crate::{cases, key};

cases! {
    async fn items_come_one_by_one(at) {
        let mut items = at.proxy().stream::<u32>("count_to", (3,)).await.unwrap();
        for expected in [Some(0), Some(1), Some(2), None, None] {
            assert_eq!(items.next().await.unwrap(), expected);
        }
    }

    async fn items_are_collected(at) {
        let items = at.proxy().stream::<u32>("count_to", (1000,)).await.unwrap();
        assert_eq!(items.collect().await.unwrap().len(), 1000);
    }

    async fn items_that_take_time_come_as_well(at) {
        let items = at.proxy().stream::<u32>("count_async", (5,)).await.unwrap();
        assert_eq!(items.collect().await.unwrap(), [0, 1, 2, 3, 4]);
    }

    async fn items_are_a_stream_of_futures(at) {
        let items = at.proxy().stream::<u32>("count_to", (10,)).await.unwrap();
        let even: Vec<u32> = StreamExt::collect(items.map(Result::unwrap).filter(|n| std::future::ready(n % 2 == 0))).await;
        assert_eq!(even, [0, 2, 4, 6, 8]);
    }

    async fn a_stream_may_be_empty(at) {
        let mut items = at.proxy().stream::<u32>("count_to", (0,)).await.unwrap();
        assert_eq!(items.next().await.unwrap(), None);
    }

    async fn an_exception_comes_behind_the_items(at) -> String {
        let mut items = at.proxy().stream::<u32>("count_and_fail", (2,)).await.unwrap();
        assert_eq!(items.next().await.unwrap(), Some(0));
        assert_eq!(items.next().await.unwrap(), Some(1));
        let error = items.next().await.unwrap_err();
        assert!(error.is("ValueError"));
        assert_eq!(items.next().await.unwrap(), None);
        error.to_string()
    }

    async fn an_exception_before_the_first_item_is_one_of_the_call(at) {
        assert!(at.proxy().stream::<u32>("fail_before_stream", ()).await.unwrap_err().is("ValueError"));
    }

    async fn a_stream_thrown_away_ends_on_the_other_side(at) {
        let (proxy, note) = (at.proxy(), key());
        let mut items = proxy.stream::<u32>("endless", (&note,)).await.unwrap().with_prefetch(1);
        assert_eq!(items.next().await.unwrap(), Some(0));
        drop(items);
        assert_eq!(at.proxy().call::<Vec<String>>("notes", (&note, 1)).await.unwrap(), ["closed"]);
    }

    async fn two_streams_take_turns(at) {
        let proxy = at.proxy();
        let mut one = proxy.stream::<u32>("count_to", (3,)).await.unwrap();
        let mut two = proxy.stream::<u32>("count_to", (3,)).await.unwrap();
        for expected in [Some(0), Some(1), Some(2), None] {
            assert_eq!(one.next().await.unwrap(), expected);
            assert_eq!(two.next().await.unwrap(), expected);
        }
    }

    async fn calls_may_be_made_between_items(at) {
        let proxy = at.proxy();
        let mut items = proxy.stream::<u32>("count_to", (2,)).await.unwrap();
        assert_eq!(items.next().await.unwrap(), Some(0));
        assert_eq!(proxy.call::<i64>("add", (1, 2)).await.unwrap(), 3);
        assert_eq!(items.next().await.unwrap(), Some(1));
    }

    async fn a_stream_where_a_value_is_wanted_is_misuse(at) {
        let error = at.proxy().call::<Value>("count_to", (3,)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Misuse, "{error}");
    }

    async fn a_value_where_a_stream_is_wanted_is_misuse(at) {
        let error = at.proxy().stream::<Value>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Misuse, "{error}");
    }

    async fn an_item_of_another_type_ends_the_stream(at) {
        let mut items = at.proxy().stream::<String>("count_to", (3,)).await.unwrap();
        assert_eq!(items.next().await.unwrap_err().kind(), Kind::Misuse);
        assert_eq!(items.next().await.unwrap(), None);
    }
}
