//! What `forewarn models calibrate` says.

use std::io::{self, Write};

use serde::Serialize;

use super::reliability::LEAST_COUNTED;
use super::{Claim, EvalError, Interval, Reliability, Share, fit, reliability};
use crate::card::{Calibration, Curve};

/// A fitted calibration with how far it holds on photos that it was not fitted on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationReport {
    /// What was fitted.
    pub calibration: Calibration,
    /// Boxes and right boxes that it was fitted on.
    pub fitted_on: [usize; 2],
    /// The scores as they are, on held photos.
    pub before: Reliability,
    /// The probabilities, on held photos.
    pub after: Reliability,
}

impl CalibrationReport {
    /// Fits on some claims and judges by others.
    pub fn new(fitting: &[Claim], held: &[Claim], on: &str, seed: u64) -> Result<Self, EvalError> {
        let calibration = fit(fitting, on)?;
        let before = reliability(held, None, seed);
        let after = reliability(held, Some(&calibration), seed);
        let n_right = fitting.iter().filter(|claim| claim.is_right).count();
        Ok(Self { calibration, fitted_on: [fitting.len(), n_right], before, after })
    }

    /// Writes tables, figures and the card's table.
    pub fn write(&self, out: &mut impl Write, card: &str) -> io::Result<()> {
        let [n, right] = self.fitted_on;
        writeln!(out, "{card}: fitted on {n} boxes, {right} of them right; judged on {} photos", self.after.n_photos)?;
        writeln!(out, "{:<12} {:>22} {:>30}", "", "scores as they are", "calibrated")?;
        let columns = ["n", "said", "right"];
        write!(out, "{:<12}", "band")?;
        for _ in 0..2 {
            write!(out, " {:>8} {:>8} {:>8}   ", columns[0], columns[1], columns[2])?;
        }
        writeln!(out)?;
        for (before, after) in self.before.bands.iter().zip(&self.after.bands) {
            write!(out, "{:<12}", format!("{:.1} to {:.1}", after.from, after.to))?;
            cells(out, &before.share)?;
            cells(out, &after.share)?;
            writeln!(out)?;
        }
        for (name, share) in self.after.by_class.iter().map(|(name, share)| (name.as_str(), share)) {
            row(out, name, share)?;
        }
        for (name, share) in &self.after.by_size {
            row(out, name, share)?;
        }
        let text = |error: &Interval| format!("{:.3} ({:.3} to {:.3})", error.value, error.low, error.high);
        writeln!(
            out,
            "expected calibration error of boxes from {LEAST_COUNTED} on: {} as they are, {} calibrated; 95 % intervals over photos",
            text(&self.before.error),
            text(&self.after.error)
        )?;
        writeln!(out, "\n{}", self.to_toml())
    }

    /// The table that goes into the card.
    pub fn to_toml(&self) -> String {
        let Calibration { on, others, classes } = &self.calibration;
        let curve = |c: &Curve| {
            let Curve { slope, offset, size, tilt } = c;
            format!("{{ slope = {slope:.3}, offset = {offset:.3}, size = {size:.3}, tilt = {tilt:.3} }}")
        };
        let own: Vec<String> = classes.iter().map(|(name, c)| format!("{} = {}\n", quoted(name), curve(c))).collect();
        let own = if own.is_empty() { String::new() } else { format!("\n[calibration.classes]\n{}", own.concat()) };
        format!("[calibration]\non = {}\nothers = {}\n{own}", toml::Value::from(on.as_str()), curve(others))
    }
}

/// A class as a key; many have a space.
fn quoted(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { name.to_owned() } else { toml::Value::from(name).to_string() }
}

fn row(out: &mut impl Write, name: &str, share: &Share) -> io::Result<()> {
    write!(out, "{name:<12}{:>30}", "")?;
    cells(out, share)?;
    writeln!(out)
}

fn cells(out: &mut impl Write, share: &Share) -> io::Result<()> {
    let part = |value: f64| if share.n == 0 { "-".to_owned() } else { format!("{value:.2}") };
    write!(out, " {:>8} {:>8} {:>8}   ", share.n, part(share.predicted), part(share.observed))
}
