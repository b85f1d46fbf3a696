//! Why no camera, or no stream of one, is found.

use std::io;

use crate::streams::StreamsError;

/// Cameras cannot be looked for, or one does not tell its streams.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The box cannot ask.
    #[error("failed to ask the network for cameras: {0}; paste the address of the camera's video instead")]
    Network(#[from] io::Error),
    /// The address is none at which a camera can be asked.
    #[error("{address} is no address of a camera: {why}; write it like http://192.168.1.20/onvif/device_service")]
    Address {
        /// As it was given.
        address: String,
        /// Why.
        why: String,
    },
    /// The camera does not say.
    #[error(transparent)]
    Streams(#[from] StreamsError),
}
