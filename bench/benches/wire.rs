//! Messages: `cargo bench --manifest-path bench/Cargo.toml --bench wire [FILTER]`

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use salamander_codec::Output;
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

criterion_group!(benches, writing, reading);
criterion_main!(benches);
