//! How alike two rows of numbers are.

/// Sums for a correlation about the means.
#[derive(Default)]
pub(super) struct Sums {
    n: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

impl Sums {
    pub(super) fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    pub(super) fn correlation(&self) -> f32 {
        let (a, b) = (self.n * self.aa - self.a * self.a, self.n * self.bb - self.b * self.b);
        if a > 1e-6 && b > 1e-6 { ((self.n * self.ab - self.a * self.b) / (a * b).sqrt()) as f32 } else { 0.0 }
    }
}
