#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| salamander_fuzz::wire_pyro4(data));
