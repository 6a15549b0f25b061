//! The codecs: `cargo bench --manifest-path bench/Cargo.toml --bench codecs [FILTER]`

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use salamander_codec::{Codec, Output, Settings};
use salamander_value::{Value, write_value};

#[path = "../src/corpus.rs"]
mod corpus;

fn values(criterion: &mut Criterion) {
    let settings = Settings::default();
    for codec in Codec::PYRO5 {
        let mut group = criterion.benchmark_group(codec.name());
        for (name, value) in corpus::corpus() {
            // JSON carries no bytes.
            let Ok(bytes) = codec.encode_value(&value, &settings) else { continue };
            let bytes = Bytes::from(bytes);
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            // As a connection does it: into a buffer that is used again.
            let mut out = Output::new();
            group.bench_function(format!("encode/{name}"), |bencher| {
                bencher.iter(|| {
                    out.reset(usize::MAX);
                    codec.write(&mut out, &settings, |writer| write_value(black_box(&value), writer))
                });
            });
            group.bench_function(format!("decode/{name}"), |bencher| {
                bencher.iter(|| codec.decode_value(black_box(&bytes), &settings));
            });
        }
        group.finish();
    }
}

fn calls(criterion: &mut Criterion) {
    let settings = Settings::default();
    let mut group = criterion.benchmark_group("call");
    for codec in Codec::PYRO5 {
        let mut out = Output::new();
        group.bench_function(format!("write/{codec}"), |bencher| {
            bencher.iter(|| {
                out.reset(usize::MAX);
                codec.write_call(&mut out, &settings, "example.calculator", "add", black_box(&(1_234_567, 7_654_321)))
            });
        });
        let mut out = Output::new();
        let written = codec.write_call(&mut out, &settings, "example.calculator", "add", &(1_234_567, 7_654_321));
        assert!(written.is_ok());
        let body = Bytes::from(out.into_vec());
        group.bench_function(format!("read/{codec}"), |bencher| {
            bencher.iter(|| {
                let (head, mut args) = codec.call_reader(black_box(&body), &settings)?;
                let args: (i64, i64) = salamander_value::from_reader(&mut args)?;
                Ok::<_, salamander_value::Error>((head.method.len(), args))
            });
        });
    }
    // What a result that nobody has typed costs.
    let sum = Bytes::from(Codec::Msgpack.encode_value(&Value::Int(8_888_888), &settings).unwrap_or_default());
    group.bench_function("result/msgpack", |bencher| {
        bencher.iter(|| Codec::Msgpack.decode::<i64>(black_box(&sum), &settings));
    });
    group.finish();
}

criterion_group!(benches, values, calls);
criterion_main!(benches);
