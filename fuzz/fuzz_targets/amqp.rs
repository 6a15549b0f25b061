#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| salamander_fuzz::amqp::amqp(data));
