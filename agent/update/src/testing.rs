//! Updates for tests.

use crate::manifest::{Entry, FORMAT, Manifest, Part};
use crate::state::{Program, Side, Slot};

/// An update that lies in its place.
pub(crate) fn slot(side: Side, version: &str, has_program: bool) -> Slot {
    let entry = Entry { part: Part::Program, name: "forewarn".to_owned(), bytes: 1, sha256: "ab".repeat(32) };
    let program = Program { version: version.parse().unwrap(), sha256: entry.sha256.clone() };
    let manifest = Manifest {
        format: FORMAT,
        version: version.parse().unwrap(),
        follows: "0.1.0".parse().unwrap(),
        arch: has_program.then(|| "x86_64".to_owned()),
        note: String::new(),
        files: vec![entry],
    };
    Slot { side, manifest, program: has_program.then_some(program), placed: Vec::new(), ailing: Vec::new() }
}
