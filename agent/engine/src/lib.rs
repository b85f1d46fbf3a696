//! The decisions between frames and incidents, without any I/O.
