//! A site with marked secrets in every place where one may stand, backed up, brought back, and told to whoever helps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backups;
mod marked;
mod support;
