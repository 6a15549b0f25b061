//! Messages: `cargo bench --manifest-path bench/Cargo.toml --bench wire [FILTER]`

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use salamander_codec::{Args, Output};
use salamander_value::{Dict, Value};
use salamander_wire::celery::{
    Decoding, DeliveryInfo, Embed, Message, Serializer, TaskBody, TaskHeaders, TaskMessage, settings,
};
use salamander_wire::pyro5::{AnnotationId, Annotations, Decoder, Header, MessageType, begin, finish, write_message};

const MAX: usize = 1 << 30;

fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    let header = Header::new(MessageType::Invoke, 4, 1).with_correlation(Some([7; 16]));
    let annotated: Annotations = [(AnnotationId::STREAM, Bytes::from_static(b"an annotation"))].into_iter().collect();
    for (name, annotations, body) in [
        ("small", Annotations::new(), Bytes::from(vec![b'x'; 60])),
        ("annotated", annotated, Bytes::from(vec![b'x'; 60])),
        ("attached MiB", Annotations::new(), Bytes::from(vec![b'x'; 1 << 20])),
    ] {
        let mut out = Output::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.reset(usize::MAX);
                let started = begin(&mut out, black_box(&header), &annotations)?;
                out.attach(&body);
                finish(&mut out, started, MAX, false)
            });
        });
    }
    let text = Bytes::from(b"something that compresses well, ".repeat(1000));
    let mut out = Output::new();
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("compressed 32 KB", |bencher| {
        bencher.iter(|| {
            out.reset(usize::MAX);
            let started = begin(&mut out, &header, &Annotations::new())?;
            out.attach(&text);
            finish(&mut out, started, MAX, true)
        });
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    let header = Header::new(MessageType::Result, 4, 1);
    for (name, count, size) in [("one small", 1, 60), ("1000 small", 1000, 60), ("one MiB", 1, 1 << 20)] {
        let mut out = Output::new();
        for _ in 0..count {
            let written = write_message(&mut out, &header, &Annotations::new(), &vec![b'x'; size], MAX);
            assert!(written.is_ok());
        }
        let bytes = out.into_vec();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || BytesMut::from(&bytes[..]),
                |mut buffer| {
                    let mut decoder = Decoder::new(MAX);
                    let mut messages = 0;
                    while let Ok(Some(message)) = decoder.decode(&mut buffer) {
                        messages += message.body.len();
                    }
                    messages
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A task as Redis has it, and as most are: made of its arguments, and read until nothing is left to do but to run it.
fn tasks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("task");
    let id = "d3b07384-d113-4ec5-a5d6-1f3b4a5c6d7e";
    let step: Value =
        Dict::from_iter([("task", Value::from("tasks.add")), ("options", Dict::from_iter([("task_id", id)]).into())])
            .into();
    let made = |steps: usize| {
        let headers = TaskHeaders {
            lang: "py".into(),
            task: "tasks.add".into(),
            id: id.into(),
            root_id: Some(id.into()),
            argsrepr: Some("(2, 3)".into()),
            kwargsrepr: Some("{}".into()),
            origin: Some("gen1@host".into()),
            ..TaskHeaders::default()
        };
        let arguments = Args { positional: vec![2.into(), 3.into()], keywords: Dict::new() };
        let mut embed = Embed::default();
        if steps > 0 {
            embed.chain = Value::List(vec![step.clone(); steps]);
        }
        let body = TaskBody::encode(Serializer::Json, &arguments, &embed, &settings())?;
        let mut message = TaskMessage::new(headers, body);
        message.properties.delivery_mode = Some(2);
        message.properties.delivery_tag = Some(id.into());
        message.properties.delivery_info = DeliveryInfo::new("", "celery");
        message.into_message().to_envelope()
    };
    let decoding = Decoding::default();
    for (name, steps) in [("alone", 0), ("with a chain of 1000", 1000)] {
        let Ok(envelope) = made(steps) else { continue };
        group.throughput(Throughput::Bytes(envelope.len() as u64));
        group.bench_function(format!("write {name}"), |bencher| bencher.iter(|| made(black_box(steps))));
        group.bench_function(format!("read {name}"), |bencher| {
            bencher.iter(|| {
                let task = TaskMessage::from_message(Message::from_envelope(black_box(&envelope))?, &decoding)?;
                let arguments = task.body.decode(&settings())?;
                task.body.checked_embed(&settings()).map(|embed| (arguments, embed))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, writing, reading, tasks);
criterion_main!(benches);
