//! Which of the measured ways is taken: a pure function of what was measured and of what the site says itself.

use serde::Serialize;

use super::{Given, Measured, Way};

/// Another way must take less processor time than this part of the usual one, so that chance changes nothing.
const WORTH_IT: f64 = 0.95;
/// More threads must shorten a look to this part, …
const SHORTER: f64 = 0.75;
/// … for at most this part of the processor time.
const MOST_MORE: f64 = 1.10;

/// The way that is taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// What is taken.
    pub way: Way,
    /// What would run without a tuning.
    pub usual: Way,
    /// Processor time of a look, as a part of that of the usual way: the median over the rounds.
    pub processor_ratio: f64,
    /// The same of the time of a look.
    pub look_ratio: f64,
}

/// Chooses among the ways of `card`; none where the usual way was not measured, so that nothing can be compared with it.
///
/// First what computes: of the ways that take no longer than the usual one and clearly less processor time, the one that takes
/// the least of it. Then, where the site leaves them open, the threads: the shortest look of those that are clearly shorter
/// and take little more processor time.
pub fn choose(rows: &[Measured], card: &str, given: Given) -> Option<Choice> {
    let usual = given.usual(card);
    let usual = rows.iter().find(|row| row.way == usual)?;
    let may_be = |way: &Way| match given.execution {
        Some(_) => way.computes_as(&usual.way),
        None => true,
    };
    let has_its_threads = |way: &Way| way.threads == usual.way.threads || !way.is_on_processor();
    let rivals = rows.iter().filter(|row| may_be(&row.way) && has_its_threads(&row.way));
    let gains = rivals.filter_map(|row| {
        let (processor, look) = (Ratio::of(&row.processor_us, &usual.processor_us)?, look(row, usual)?);
        let is_better = processor.median < WORTH_IT && processor.upper < 1.0 && look.median <= 1.0;
        is_better.then_some((row, processor.median))
    });
    let computes = gains.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(usual, |(row, _)| row);
    let chosen = if given.threads.is_none() { more_threads(rows, computes) } else { computes };
    Some(Choice {
        way: chosen.way.clone(),
        usual: usual.way.clone(),
        processor_ratio: Ratio::of(&chosen.processor_us, &usual.processor_us)?.median,
        look_ratio: look(chosen, usual)?.median,
    })
}

/// The same with the number of threads that pays, or as it is.
fn more_threads<'a>(rows: &'a [Measured], one: &'a Measured) -> &'a Measured {
    let more = rows.iter().filter(|row| row.way.computes_as(&one.way) && row.way.threads > one.way.threads);
    let paying = more.filter_map(|row| {
        let (processor, look) = (Ratio::of(&row.processor_us, &one.processor_us)?, look(row, one)?);
        let pays = look.median < SHORTER && look.upper < 1.0 && processor.median <= MOST_MORE;
        pays.then_some((row, look.median))
    });
    paying.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(one, |(row, _)| row)
}

fn look(row: &Measured, other: &Measured) -> Option<Ratio> {
    Ratio::of(&row.look_us, &other.look_us)
}

/// How one way compares with another, round by round: what slowed the machine in a round slowed both.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    median: f64,
    /// Three quarters of the rounds lie below it.
    upper: f64,
}

impl Ratio {
    fn of(a: &[u32], b: &[u32]) -> Option<Self> {
        let mut ratios: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| f64::from(a) / f64::from(b.max(1))).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |part: f64| ratios.get(((ratios.len().checked_sub(1)?) as f64 * part).round() as usize).copied();
        Some(Self { median: at(0.5)?, upper: at(0.75)? })
    }
}

impl Measured {
    /// Medians over the rounds, in milliseconds: of a look, and of its processor time.
    pub fn medians_ms(&self) -> (f64, f64) {
        let median = |values: &[u32]| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).map_or(f64::NAN, |&us| f64::from(us) / 1e3)
        };
        (median(&self.look_us), median(&self.processor_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::{Precision, Provider, ProviderChoice, Request};

    const ROUNDS: usize = 12;

    /// A way whose looks take `look_ms` of which the processor works `processor_ms`, on a machine that slows down as it goes.
    fn row(card: &str, provider: Provider, threads: usize, look_ms: f64, processor_ms: f64) -> Measured {
        let precision = Precision::Fp32;
        let drifting = |ms: f64| (0..ROUNDS).map(|round| (ms * 1e3 * (1.0 + round as f64)) as u32).collect();
        let way = Way { card: card.to_owned(), provider, precision, threads };
        Measured { way, look_us: drifting(look_ms), processor_us: drifting(processor_ms) }
    }

    fn chosen(rows: &[Measured], given: Given) -> String {
        choose(rows, "street", given).map_or_else(|| "nothing".to_owned(), |choice| choice.way.to_string())
    }

    fn rows() -> Vec<Measured> {
        vec![
            row("street", Provider::Cpu, 1, 20.0, 20.0),
            row("street", Provider::Cpu, 2, 11.0, 21.5),
            row("street", Provider::Cpu, 4, 7.0, 26.0),
            row("street-int8", Provider::Cpu, 1, 10.0, 10.0),
            row("street-int8", Provider::Cpu, 2, 8.0, 10.5),
            row("street", Provider::OpenVino, 1, 15.0, 15.0),
            row("street", Provider::OpenVino, 2, 8.0, 15.5),
        ]
    }

    #[test]
    fn the_least_processor_time_wins_and_threads_only_where_they_pay() {
        let choice = choose(&rows(), "street", Given::default()).unwrap();
        assert_eq!(
            choice.way.to_string(),
            "street-int8 on cpu in fp32 with 1 thread",
            "two threads gain a fifth alone"
        );
        assert_eq!(choice.usual.to_string(), "street on cpu in fp32 with 1 thread");
        assert!((choice.processor_ratio - 0.5).abs() < 1e-3 && (choice.look_ratio - 0.5).abs() < 1e-3, "{choice:?}");
        let without = &rows()[..3];
        assert_eq!(chosen(without, Given::default()), "street on cpu in fp32 with 2 threads", "four cost too much");
    }

    #[test]
    fn what_the_site_says_itself_is_kept() {
        let request = |provider, precision| Some(Request { provider, precision });
        let with = |threads, execution| chosen(&rows(), Given { threads, execution });
        assert_eq!(with(Some(2), None), "street-int8 on cpu in fp32 with 2 threads");
        let cpu = request(ProviderChoice::Cpu, Precision::Fp32);
        assert_eq!(with(None, cpu), "street on cpu in fp32 with 2 threads", "no variant");
        assert_eq!(with(Some(1), cpu), "street on cpu in fp32 with 1 thread");
        let openvino = request(ProviderChoice::OpenVino, Precision::Fp32);
        assert_eq!(with(None, openvino), "street on openvino in fp32 with 2 threads");
        let cpu_in_bf16 = request(ProviderChoice::Auto, Precision::Bf16);
        assert_eq!(with(Some(1), cpu_in_bf16), "street on cpu in fp32 with 1 thread", "the CPU has fp32 alone");
    }

    #[test]
    fn what_was_not_measured_is_not_chosen_from() {
        assert_eq!(chosen(&rows(), Given { threads: Some(3), execution: None }), "nothing");
        let cuda = Some(Request { provider: ProviderChoice::Cuda, precision: Precision::Fp32 });
        assert_eq!(chosen(&rows(), Given { threads: None, execution: cuda }), "nothing");
        assert_eq!(chosen(&[], Given::default()), "nothing");
        assert_eq!(chosen(&[Measured { look_us: Vec::new(), ..rows().remove(0) }], Given::default()), "nothing");
    }

    #[test]
    fn a_gain_that_chance_could_make_changes_nothing() {
        let usual = row("street", Provider::Cpu, 1, 20.0, 20.0);
        let little = row("street-fp16", Provider::Cpu, 1, 19.5, 19.5);
        // Fast in half of the rounds and slow in the others.
        let mut moody = row("street-int8", Provider::Cpu, 1, 12.0, 12.0);
        for value in moody.processor_us.iter_mut().skip(6) {
            *value *= 2;
        }
        // Less work for the processor, and yet later.
        let late = row("street", Provider::Cuda, 1, 25.0, 2.0);
        let kept = chosen(&[usual, little, moody, late], Given::default());
        assert_eq!(kept, "street on cpu in fp32 with 1 thread");
    }

    #[test]
    fn a_gpu_counts_with_any_number_of_threads() {
        let rows = [row("street", Provider::Cpu, 2, 11.0, 21.5), row("street", Provider::Cuda, 1, 3.0, 2.0)];
        let two = Given { threads: Some(2), execution: None };
        assert_eq!(chosen(&rows, two), "street on cuda in fp32 with 1 thread");
    }
}
