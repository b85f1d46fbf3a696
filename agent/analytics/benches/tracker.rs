//! Time of one tracker and rules update at 10, 50 and 200 subjects.
fn main() {}
