//! Why footage has a gap.

/// Why something lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The camera was away.
    Away,
    /// The disk did not keep up.
    Behind,
    /// The disk refused, or had no room.
    Disk,
}

impl Why {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Away, Self::Behind, Self::Disk];

    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Behind => "behind",
            Self::Disk => "disk",
        }
    }
}
