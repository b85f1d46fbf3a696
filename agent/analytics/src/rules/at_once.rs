//! A violation as one look can judge it: what it asks to last is asked of this moment.

use forewarn_domain::condition::{Quantity, Score, Sign, Stationary, Wearing};
use forewarn_domain::{Condition, Violation};

/// Who keeps the place for so long in one look stands; whoever only passes moves further.
const STANDS_S: f64 = 0.7;

/// The same violation, whose condition holds as soon as it would begin to. Directions, speeds and crossings stay as they are:
/// they are told of what the look itself sees.
pub fn at_once(violation: &Violation) -> Violation {
    Violation { condition: begun(&violation.condition), ..violation.clone() }
}

/// Whether the condition compares with what was before the look, so that a look that sees nothing of it tells nothing.
pub fn hangs_on_before(condition: &Condition) -> bool {
    match condition {
        Condition::Count(count) => count.growth.is_some() || hangs_on_before(&count.of),
        Condition::Absent(absent) => hangs_on_before(&absent.of),
        Condition::Score(score) => score.of.iter().any(|sign| hangs_on_before(&sign.condition)),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(hangs_on_before),
        Condition::Not(part) => hangs_on_before(part),
        _ => false,
    }
}

fn begun(condition: &Condition) -> Condition {
    let now = || Quantity::Number(0.0);
    let each = |parts: &[Condition]| parts.iter().map(begun).collect();
    let mut condition = condition.clone();
    match &mut condition {
        Condition::Dwell(dwell) => dwell.for_s = now(),
        Condition::Stationary(Stationary { for_s, .. }) => *for_s = Quantity::Number(STANDS_S),
        Condition::Appeared(appeared) => appeared.for_s = now(),
        Condition::Near(near) => near.for_s = None,
        Condition::Sensor(sensor) => sensor.for_s = None,
        Condition::Count(count) => {
            count.for_s = None;
            *count.of = begun(&count.of);
        }
        Condition::Absent(absent) => {
            absent.for_s = now();
            *absent.of = begun(&absent.of);
        }
        Condition::Score(Score { of, for_s, .. }) => {
            *for_s = None;
            for Sign { condition, .. } in of {
                *condition = begun(condition);
            }
        }
        Condition::Wearing(Wearing { min_votes, spread_s, .. }) => {
            (*min_votes, *spread_s) = (Some(Quantity::Number(1.0)), Some(now()));
        }
        Condition::All(parts) | Condition::Any(parts) => *parts = each(parts),
        Condition::Not(part) => **part = begun(part),
        Condition::Class(_)
        | Condition::Confidence(_)
        | Condition::InZone(_)
        | Condition::LineCrossed(_)
        | Condition::Moving(_)
        | Condition::Speed(_)
        | Condition::Falls(_)
        | Condition::Schedule(_) => {}
    }
    condition
}
