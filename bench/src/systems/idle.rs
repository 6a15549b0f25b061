//! A client that holds many connections and does nothing with them.

use salamander::Codec;
use salamander::prelude::*;
use salamander_bench_harness::{Args as ProcessArgs, Failure, raise_file_limit, runtime, serve_until_input_ends};

/// Connections that are opened at the same time.
const AT_ONCE: usize = 64;

pub fn client(args: &ProcessArgs) -> Result<(), Failure> {
    let uri = args.text("address")?.to_owned();
    let count: usize = args.get("count")?.unwrap_or(10_000);
    raise_file_limit(count as u64 + 100)?;
    runtime(args)?.block_on(async {
        let mut tasks = Vec::new();
        for part in 0..AT_ONCE {
            let uri = uri.clone();
            tasks.push(tokio::spawn(async move {
                let mut proxies = Vec::new();
                for _ in (part..count).step_by(AT_ONCE) {
                    let proxy = Proxy::new(&uri)?.with_serializer(Codec::Msgpack);
                    proxy.bind().await?;
                    proxies.push(proxy);
                }
                Ok::<_, Error>(proxies)
            }));
        }
        let mut proxies = Vec::new();
        for task in tasks {
            proxies.append(&mut task.await??);
        }
        println!("ready {}", proxies.len());
        serve_until_input_ends();
        std::future::pending().await
    })
}
