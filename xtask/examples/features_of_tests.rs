//! Nothing. Cargo chooses the features of dependencies as for tests only where a test or an example is built along, and
//! so demo and tests compile each dependency once between them (`compile::SHARED`).

fn main() {}
