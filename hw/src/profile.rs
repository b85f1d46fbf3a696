//! Defaults for kinds of boxes.
