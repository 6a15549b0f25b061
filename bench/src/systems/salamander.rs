//! Salamander's own two ends, used as any program would use them.

use salamander::prelude::*;
use salamander::{Blob, Codec};
use salamander_bench_harness::{
    Args as ProcessArgs, Caller, Failure, SUM, Step, System, callers, client as run_client, raise_file_limit,
    server as run_server,
};

/// What is called.
struct Subject;

#[expose]
impl Subject {
    fn add(&self, x: i64, y: i64) -> i64 {
        x + y
    }

    fn size(&self, data: Blob) -> usize {
        data.len()
    }

    fn count(&self, n: u64) -> impl Iterator<Item = u64> + use<> {
        0..n
    }
}

pub fn server(args: &ProcessArgs) -> Result<(), Failure> {
    raise_file_limit(12_000)?;
    run_server(args, async |ready| {
        let daemon = Daemon::bind("127.0.0.1:0").await?;
        let uri = daemon.register("bench", Subject)?;
        ready(&uri.to_string());
        daemon.serve().await?;
        Ok(())
    })
}

pub fn client(args: &ProcessArgs) -> Result<(), Failure> {
    let remote = Remote { uri: args.text("address")?.to_owned(), codec: args.text("codec")?.parse()? };
    let count = args.get("count")?.unwrap_or(1);
    match args.text("load")? {
        "batch" => run_client(args, async || Ok(vec![Batches(remote.proxy().await?, count)])),
        "bytes" => run_client(args, async || {
            Ok(vec![Transfer(remote.proxy().await?, Blob::from((0..=255).cycle().take(count).collect::<Vec<u8>>()))])
        }),
        "stream" => {
            let prefetch = args.get("prefetch")?;
            run_client(args, async || Ok(vec![Items { proxy: remote.proxy().await?, prefetch, items: None }]))
        }
        "pooled" => run_client(args, async || {
            let caller = remote.proxy().await?.pooled(count);
            Ok((0..count).map(|_| Pooled(Plain(caller.clone()))).collect())
        }),
        _ => run_client(args, async || callers(args, remote).await),
    }
}

struct Remote {
    uri: String,
    codec: Codec,
}

impl Remote {
    async fn proxy(&self) -> Result<Proxy, Failure> {
        let proxy = Proxy::new(&self.uri)?.with_serializer(self.codec);
        proxy.bind().await?;
        Ok(proxy)
    }
}

impl System for Remote {
    type Caller = Plain;

    async fn connect(&self) -> Result<Plain, Failure> {
        // The call connects.
        Ok(Plain(Proxy::new(&self.uri)?.with_serializer(self.codec)))
    }
}

#[derive(Clone)]
struct Plain(Proxy);

impl Caller for Plain {
    async fn add(&self, x: i64, y: i64) -> Result<i64, Failure> {
        Ok(self.0.call("add", (x, y)).await?)
    }
}

struct Pooled(Plain);

impl Step for Pooled {
    async fn step(&mut self) -> Result<u64, Failure> {
        for _ in 0..16 {
            self.0.add(SUM.0, SUM.1).await?;
        }
        Ok(16)
    }
}

/// Batches of so many calls.
struct Batches(Proxy, usize);

impl Step for Batches {
    async fn step(&mut self) -> Result<u64, Failure> {
        let (x, y, expected) = SUM;
        let mut batch = self.0.batch();
        for _ in 0..self.1 {
            batch.call("add", (x, y));
        }
        let mut count = 0;
        for sum in batch.send::<i64>().await? {
            if sum? != expected {
                return Err("a sum is wrong".into());
            }
            count += 1;
        }
        Ok(count)
    }
}

/// Bytes that are sent again and again.
struct Transfer(Proxy, Blob);

impl Step for Transfer {
    async fn step(&mut self) -> Result<u64, Failure> {
        let size: usize = self.0.call("size", (&self.1,)).await?;
        if size == self.1.len() { Ok(1) } else { Err("some bytes are missing".into()) }
    }
}

/// The items of one long stream.
struct Items {
    proxy: Proxy,
    prefetch: Option<usize>,
    items: Option<ItemStream<u64>>,
}

impl Step for Items {
    async fn step(&mut self) -> Result<u64, Failure> {
        let items = match &mut self.items {
            Some(items) => items,
            none => {
                let items = self.proxy.stream("count", (u64::MAX,)).await?;
                none.insert(match self.prefetch {
                    Some(prefetch) => items.with_prefetch(prefetch),
                    None => items,
                })
            }
        };
        for _ in 0..16 {
            items.next().await?.ok_or("the stream has ended")?;
        }
        Ok(16)
    }
}
