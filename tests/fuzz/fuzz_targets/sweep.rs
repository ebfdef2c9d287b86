#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mlp_fuzz::sweep(bytes));
