//! The ceiling on RabbitMQ: lapin alone publishes durable messages, each confirmed, and takes and acknowledges them one by one.

use std::time::Instant;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use salamander_bench_harness::{Args, Done, Failure, answer_runs, runtime};

const QUEUE: &str = "bench.lapin";

/// As large as a task's message is about, headers and all.
const BODY: [u8; 400] = [b'x'; 400];

pub fn client(args: &Args) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    let url = args.text("broker")?.to_owned();
    let count: u64 = args.get("count")?.unwrap_or(10_000);
    let (publishing, consuming) = runtime.block_on(async {
        let publishing = Connection::connect(&url, ConnectionProperties::default()).await?;
        let consuming = Connection::connect(&url, ConnectionProperties::default()).await?;
        Ok::<_, Failure>((publishing, consuming))
    })?;
    answer_runs(|_| runtime.block_on(run(&publishing, &consuming, count)))
}

async fn run(publishing: &Connection, consuming: &Connection, count: u64) -> Result<Done, Failure> {
    let publisher = publishing.create_channel().await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    publisher.queue_declare(QUEUE.into(), durable, FieldTable::default()).await?;
    publisher.queue_purge(QUEUE.into(), QueuePurgeOptions::default()).await?;
    let channel = consuming.create_channel().await?;
    channel.basic_qos(200, BasicQosOptions::default()).await?;
    let mut consumer =
        channel.basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let start = Instant::now();
    let consumed = tokio::spawn(async move {
        for _ in 0..count {
            let delivery = consumer.next().await.ok_or("the consumer has ended")??;
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok::<_, Failure>(())
    });
    // So many are not confirmed at once.
    let mut confirms = std::collections::VecDeque::new();
    for _ in 0..count {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        confirms.push_back(publisher.basic_publish("".into(), QUEUE.into(), options, &BODY, properties).await?);
        if confirms.len() == 1000
            && let Some(confirm) = confirms.pop_front()
        {
            confirm.await?;
        }
    }
    for confirm in confirms {
        confirm.await?;
    }
    consumed.await??;
    let seconds = start.elapsed().as_secs_f64();
    channel.close(200, "".into()).await?;
    publisher.close(200, "".into()).await?;
    Ok(Done { operations: count, seconds })
}
