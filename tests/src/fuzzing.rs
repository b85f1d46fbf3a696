//! One entry for each parser that takes bytes from outside, for the fuzzer and for the bounded tests.
//!
//! A parser may refuse what it is given; it must neither panic nor hang. Where a value comes out, writing and reading it
//! again must give the same value.
