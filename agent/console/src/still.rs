//! The latest still of a camera.

use axum::body::Bytes;
use forewarn_domain::Timestamp;

/// A picture of a camera that serves everybody who asks in its second.
#[derive(Debug, Clone)]
pub(crate) struct Still {
    /// When it was taken.
    pub at: Timestamp,
    /// Of the frame; the picture may be smaller.
    pub size: (u32, u32),
    /// The picture.
    pub jpeg: Bytes,
}
