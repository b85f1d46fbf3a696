//! Fuzzes `klv`; see `forewarn_tests::fuzzing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| forewarn_tests::fuzzing::klv(bytes));
