//! A few rounds of what `soak` does at length.

use std::process::Command;

use forewarn_tests::soak::Load;

#[test]
fn descriptors_threads_and_memory_stay_flat_over_a_few_rounds() {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).arg("--brief").output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success() && said.ends_with("all is flat\n"), "{said}\n{errors}");
    assert!(Load::all().all(|load| said.contains(&load.to_string())), "{said}");
}
