//! The ceiling on Redis: lists are pushed to and popped from at once, 64 commands in a round trip.

use std::time::Instant;

use redis::aio::MultiplexedConnection;
use salamander_bench_harness::{Args, Done, Failure, answer_runs, runtime};

const LIST: &str = "bench.redis";
const TOGETHER: u64 = 64;

/// As large as a task's message is about, headers and all.
const MESSAGE: [u8; 900] = [b'x'; 900];

pub fn client(args: &Args) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    let client = redis::Client::open(args.text("broker")?)?;
    let count: u64 = args.get("count")?.unwrap_or(100_000);
    let (pushing, popping) = runtime.block_on(async {
        let pushing = client.get_multiplexed_async_connection().await?;
        Ok::<_, Failure>((pushing, client.get_multiplexed_async_connection().await?))
    })?;
    answer_runs(|_| {
        runtime.block_on(async {
            let start = Instant::now();
            let pushed = tokio::spawn(push(pushing.clone(), count));
            pop(popping.clone(), count).await?;
            pushed.await??;
            Ok(Done { operations: count, seconds: start.elapsed().as_secs_f64() })
        })
    })
}

async fn push(mut connection: MultiplexedConnection, count: u64) -> Result<(), Failure> {
    for _ in 0..count / TOGETHER + 1 {
        let mut pipe = redis::pipe();
        for _ in 0..TOGETHER {
            pipe.lpush(LIST, &MESSAGE[..]).ignore();
        }
        pipe.query_async::<()>(&mut connection).await?;
    }
    Ok(())
}

async fn pop(mut connection: MultiplexedConnection, count: u64) -> Result<(), Failure> {
    let mut popped = 0;
    while popped < count {
        let mut pipe = redis::pipe();
        for _ in 0..TOGETHER {
            pipe.rpop(LIST, None);
        }
        let messages: Vec<Option<Vec<u8>>> = pipe.query_async(&mut connection).await?;
        popped += messages.iter().flatten().count() as u64;
    }
    Ok(())
}
