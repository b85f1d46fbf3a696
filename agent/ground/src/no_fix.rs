//! Why a pixel has no place on earth.

/// Why a pixel has no place on earth.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoFix {
    /// No telemetry at all.
    #[error("there is no telemetry")]
    NoTelemetry,
    /// The nearest sample is too far in time.
    #[error("the nearest telemetry is {:.1} s away, more than {:.1} s", *.age_us as f64 / 1e6, *.max_age_us as f64 / 1e6)]
    Stale {
        /// How far.
        age_us: i64,
        /// How far it may be.
        max_age_us: i64,
    },
    /// The camera's attitude is told within the vehicle, and the vehicle's own is not told.
    #[error("the telemetry does not say how the vehicle lies, and the gimbal only how it lies in the vehicle")]
    NoAttitude,
    /// The ray does not come down.
    #[error("it lies above the horizon")]
    AboveHorizon,
    /// The ground lies too far away.
    #[error("the ground there is {range_m:.0} m away, more than {max_range_m:.0} m")]
    BeyondRange {
        /// How far.
        range_m: f64,
        /// How far it may be.
        max_range_m: f64,
    },
    /// The ray is so flat that a small error moves its place far, and farther one way than the other.
    #[error("the view is too flat there: an error of one standard deviation moves the place out of proportion")]
    TooFlat,
    /// The lens has no ray there.
    #[error("the lens file's distortion has no ray there")]
    BeyondLens,
    /// The camera is below the ground.
    #[error("the camera is told {below_m:.1} m below the ground: the heights are not of one reckoning")]
    BelowGround {
        /// How far.
        below_m: f64,
    },
    /// The grid of heights does not reach so far.
    #[error("the height of the ground there is not known")]
    UnknownGround,
}

impl NoFix {
    /// The word for it in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoTelemetry => "no_telemetry",
            Self::Stale { .. } => "stale_telemetry",
            Self::NoAttitude => "no_attitude",
            Self::AboveHorizon => "above_horizon",
            Self::BeyondRange { .. } => "beyond_range",
            Self::TooFlat => "too_flat",
            Self::BeyondLens => "beyond_lens",
            Self::BelowGround { .. } => "below_ground",
            Self::UnknownGround => "unknown_ground",
        }
    }
}
