//! All queues of the running agent, and whether `docs/ARCHITECTURE.md` tells of them what is true.

use forewarn_telemetry::queue::{QueueSpec, WhenFull};

use super::{evidence, falls, incident_loop, speakers};

const ARCHITECTURE: &str = include_str!("../../../../docs/ARCHITECTURE.md");

/// A queue as the table tells it, and what is to stand there of a full one.
fn told<P: WhenFull>(spec: &QueueSpec<P>) -> (String, &'static str) {
    (format!("`{}`, {}", spec.name, spec.len), P::SAYS)
}

#[test]
fn the_table_of_queues_says_what_their_types_do() {
    let queues = [
        told(&incident_loop::QUEUE),
        told(&evidence::QUEUE),
        told(&speakers::QUEUE),
        told(&falls::QUEUE),
        told(&forewarn_inference::looks::QUEUE),
        told(&forewarn_inference::closer::QUEUE),
        told(&forewarn_command::QUEUE),
    ];
    let (_, section) = ARCHITECTURE.split_once("## Threads and queues").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let rows: Vec<Vec<&str>> = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    for (name, says) in &queues {
        let of_queue: Vec<_> = rows.iter().filter(|row| row[2].ends_with(name.as_str())).collect();
        assert_eq!(of_queue.len(), 1, "{name} must end the third cell of one row");
        let when_full = of_queue[0][3];
        assert!(when_full.starts_with(says), "{name}: the last cell must begin with {says:?}: {when_full:?}");
    }
    let named = rows.iter().filter(|row| row[2].contains('`')).count();
    assert_eq!(named, queues.len(), "a row names a queue that the agent does not have");
}
