//! The site file, read, checked, resolved and written.
