//! Evidence folders: snapshots, manifest, verification, retention.
