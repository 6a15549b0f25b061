//! Examples of much data.

use interop::examples as ours;

use crate::both::Play;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filetransfer() {
    let (client, _) = Play::of("filetransfer").input("URI\n\n\n\n\n").ours(ours::filetransfer::serve).await;
    assert_eq!(client.printed.matches(" done, ").count(), 8, "{}{}", client.printed, client.told);
    assert_eq!(client.told, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hugetransfer() {
    let (client, _) = Play::of("hugetransfer").ours(ours::hugetransfer::serve).await;
    assert_eq!(client.printed.matches("seconds to transfer 50 mb.\n").count(), 4, "{}", client.printed);
}
