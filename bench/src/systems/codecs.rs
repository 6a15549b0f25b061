//! Times our codecs: answers `time ITEM CODEC encode|decode SECONDS` with `done NANOSECONDS`.

use std::hint::black_box;
use std::io::{self, BufRead};
use std::time::{Duration, Instant};

use salamander::Codec;
use salamander_bench_harness::{Args, Failure, pin};
use salamander_codec::Settings;

use crate::corpus::corpus;

pub fn client(args: &Args) -> Result<(), Failure> {
    pin(args)?;
    println!("ready");
    for line in io::stdin().lock().lines() {
        let line = line?;
        match std::panic::catch_unwind(|| time(&line)) {
            Ok(Ok(nanoseconds)) => println!("done {nanoseconds}"),
            Ok(Err(failure)) => println!("failed {failure}"),
            Err(_) => println!("failed panic"),
        }
    }
    Ok(())
}

fn time(line: &str) -> Result<f64, Failure> {
    let words: Vec<&str> = line.split(' ').collect();
    let &["time", item, codec, way, seconds] = &words[..] else { return Err("not understood".into()) };
    let codec: Codec = codec.parse()?;
    let duration = Duration::try_from_secs_f64(seconds.parse()?)?;
    let settings = Settings::default();
    let (_, value) = corpus().into_iter().find(|(name, _)| *name == item).ok_or("no such item")?;
    let bytes = codec.encode_value(&value, &settings)?.into();
    match way {
        "encode" => repeat(duration, || codec.encode_value(black_box(&value), &settings).map(drop)),
        _ => repeat(duration, || codec.decode_value(black_box(&bytes), &settings).map(drop)),
    }
}

/// Nanoseconds for one of what is done again and again for so long.
fn repeat(duration: Duration, mut once: impl FnMut() -> salamander_value::Result<()>) -> Result<f64, Failure> {
    let mut each = 1_u32;
    loop {
        let start = Instant::now();
        for _ in 0..each {
            once()?;
        }
        let took = start.elapsed();
        if took >= duration {
            return Ok(took.as_nanos() as f64 / f64::from(each));
        }
        // Towards the duration, but not in one leap.
        let grown = f64::from(each) * duration.as_secs_f64() / took.as_secs_f64().max(1e-9) * 1.1;
        each = (grown as u32).clamp(each + 1, each.saturating_mul(100));
    }
}
