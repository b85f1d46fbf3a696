//! Sixteen cameras on a budget that is far too small for them.

use std::time::Duration;

use forewarn_tests::many::{Options, run};
use forewarn_tests::program;
use forewarn_tests::site::QUICK_LOITERING;

#[test]
fn sixteen_streams_on_a_third_of_a_core_are_all_looked_at_in_time_and_memory_is_flat() {
    let options = Options {
        streams: 16,
        clip: program::demo_clip().unwrap(),
        time: Duration::from_secs(20),
        every: Duration::from_secs(1),
        tables: "[inference]\nbudget = 0.3\n\n".to_owned(),
        keys: String::new(),
        rule: QUICK_LOITERING,
    };
    let report = run(&options, &mut |_| {}).unwrap_or_else(|error| panic!("{error:#}"));
    let last = report.samples.last().unwrap();
    assert!(last.is_short, "{report}");
    assert!(report.looks.iter().all(|n| *n >= 1.0), "{report}");
    assert!(report.longest_gap_s() <= report.bound_s(), "{report}");
    assert!(report.growth_mib() < 64.0, "{report}");
    assert_eq!(report.reconnects, 0.0, "{report}");
}
