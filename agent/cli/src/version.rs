//! What `--version` tells.

use std::sync::LazyLock;

/// What the program was built from: `cargo xtask dist` says it, whoever builds by hand has a checkout to look at.
const COMMIT: &str = match option_env!("FOREWARN_COMMIT") {
    Some(commit) => commit,
    None => "of a checkout",
};

/// Version and commit, for `-V`.
pub(crate) static SHORT: LazyLock<String> = LazyLock::new(|| format!("{} ({COMMIT})", env!("CARGO_PKG_VERSION")));

/// The same with what the program was built for and with, for `--version`.
pub(crate) static LONG: LazyLock<String> = LazyLock::new(|| {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    let checks = if cfg!(debug_assertions) { "with the checks of tests" } else { "optimised" };
    format!(
        "{}\ncommit:    {COMMIT}\nfor:       {processor} {system}, {checks}\nfeatures:  models on cpu, openvino, cuda and \
         tensorrt, as far as their library was fetched; video by GStreamer 1.22 or newer",
        env!("CARGO_PKG_VERSION")
    )
});
