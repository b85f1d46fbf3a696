//! What differs between boxes: loudspeakers, accelerators, decoders.
