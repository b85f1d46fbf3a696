//! Whether something keeps the clock of the box with that of the world: what `timedatectl` calls "System clock synchronized".

use std::path::Path;

/// The daemon of systemd leaves this once it has set the clock, and for as long as it runs.
const SYSTEMD_SYNCHRONISED: &str = "run/systemd/timesync/synchronized";
/// It is there while that daemon runs.
const SYSTEMD_FOLDER: &str = "run/systemd/timesync";

/// Whether the clock is synchronised; none if nobody tells.
///
/// The kernel knows it of every daemon, be it chrony, ntpd or systemd's. It does not answer in some containers; then the
/// daemon of systemd may.
pub fn synchronised() -> Option<bool> {
    by_kernel().or_else(|| by_files(Path::new("/")))
}

/// What the kernel says.
#[expect(unsafe_code, reason = "no library offers the question without it")]
fn by_kernel() -> Option<bool> {
    // SAFETY: all fields of `timex` are integers, for which zero is a value. With no bit in `modes` the kernel sets
    // nothing, and it writes into nothing but the struct, which outlives the call.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    (state >= 0).then_some(status & libc::STA_UNSYNC == 0)
}

/// What the daemon of systemd says.
fn by_files(root: &Path) -> Option<bool> {
    root.join(SYSTEMD_FOLDER).is_dir().then(|| root.join(SYSTEMD_SYNCHRONISED).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_is_believed_where_it_runs() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(by_files(root.path()), None);
        std::fs::create_dir_all(root.path().join(SYSTEMD_FOLDER)).unwrap();
        assert_eq!(by_files(root.path()), Some(false));
        std::fs::write(root.path().join(SYSTEMD_SYNCHRONISED), "").unwrap();
        assert_eq!(by_files(root.path()), Some(true));
    }

    #[test]
    fn the_kernel_says_what_its_own_tool_says() {
        // `adjtimex` and `timedatectl` need not be installed; Python asks the same call by another way.
        let ask = "import ctypes,os;b=ctypes.create_string_buffer(512);c=ctypes.CDLL(None);r=c.adjtimex(b);\
                   print(r, int.from_bytes(b.raw[40:44],'little'))";
        let told = std::process::Command::new("python3").arg("-c").arg(ask).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let (state, status) = told.trim().split_once(' ').unwrap();
        let (state, status): (i32, i32) = (state.parse().unwrap(), status.parse().unwrap());
        assert_eq!(by_kernel(), (state >= 0).then_some(status & 0x40 == 0), "{told}");
    }
}
