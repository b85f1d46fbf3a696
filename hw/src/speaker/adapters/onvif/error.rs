//! What a camera with a loudspeaker says of itself.

use forewarn_domain::FailureKind;

use crate::speaker::error::PlayError;

/// A camera did not play what was sent to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum OnvifError {
    #[error("failed to reach {peer}: {why}; look whether the camera is on, and at `url` or `device`")]
    Away { peer: String, why: String },
    #[error("{peer} does not say by ONVIF where its stream is: {why}; or write that down as `url`")]
    Untold { peer: String, why: String },
    #[error(
        "{peer} describes no stream when it is asked for its loudspeaker: it has none that ONVIF knows of (551), or none on \
         this stream; look into the camera's audio settings"
    )]
    NoSpeaker { peer: String },
    #[error(
        "{peer} offers its loudspeaker only in {offered}; set it to G.711 (PCMU or PCMA) or to AAC-LC with one channel"
    )]
    OtherCoding { peer: String, offered: String },
    #[error("{peer} has no stream of this name; look at the path of `url`")]
    NoStream { peer: String },
    #[error("{peer} does not take the user or the password; check `user` and `password_file` or `password_env`")]
    BadLogin { peer: String },
    #[error("{peer} refused: {why}; somebody else may be talking over it")]
    Refused { peer: String, why: String },
    #[error("{peer} was not ready to play in {after_s:.1} s")]
    Silent { peer: String, after_s: f64 },
    #[error("the connection to {peer} broke off after {after_s:.1} s of the sound: {why}")]
    Cut { peer: String, after_s: f64, why: String },
}

impl OnvifError {
    /// What `rtspsrc` complains of before it plays.
    pub(super) fn of(message: &gst::message::Error, peer: String, after_s: f64) -> Self {
        let (error, debug) = (message.error(), message.debug().unwrap_or_default());
        let said = debug.rsplit(": ").next().unwrap_or_default().trim().to_owned();
        match error.kind::<gst::ResourceError>() {
            Some(gst::ResourceError::NotAuthorized) => Self::BadLogin { peer },
            Some(gst::ResourceError::NotFound) if debug.contains("(404)") => Self::NoStream { peer },
            Some(gst::ResourceError::Settings) => Self::NoSpeaker { peer },
            _ if debug.contains("Error (") => {
                let from = debug.find("Error (").unwrap_or_default();
                Self::Refused { peer, why: debug[from..].replace("Error (", "status (").trim().to_owned() }
            }
            _ if debug.contains("Timeout") => Self::Silent { peer, after_s },
            _ => Self::Away { peer, why: if said.is_empty() { error.to_string() } else { said } },
        }
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::Away { .. } => FailureKind::Unreachable,
            Self::Untold { .. }
            | Self::NoSpeaker { .. }
            | Self::OtherCoding { .. }
            | Self::NoStream { .. }
            | Self::BadLogin { .. }
            | Self::Refused { .. } => FailureKind::Refused,
            Self::Silent { .. } => FailureKind::TimedOut,
            Self::Cut { .. } => FailureKind::Broken,
        }
    }
}

impl From<OnvifError> for PlayError {
    fn from(error: OnvifError) -> Self {
        Self::device(error.kind(), error)
    }
}
