//! File descriptors of the own process: how many there may be, and how many there are.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than this are never asked for: some programs that are started go through all that there may be.
const ENOUGH: u64 = 65_536;

/// File descriptors of the own process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Those that are open.
    pub open: u64,
    /// Those that may be; none if there is no limit.
    pub limit: Option<u64>,
}

impl Descriptors {
    /// How many there are now.
    pub fn read() -> io::Result<Self> {
        // The folder that is read is one of them.
        let open = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1) as u64;
        Ok(Self { open, limit: getrlimit(Resource::Nofile).current })
    }

    /// The part of those that may be that is open.
    pub fn used(&self) -> f64 {
        self.limit.map_or(0.0, |limit| self.open as f64 / limit.max(1) as f64)
    }
}

/// Lets the process open as many as the system allows it without asking anybody. What a service manager gives at first
/// is often 1024, which a box with many cameras needs.
pub fn raise_limit() -> io::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_counted_and_the_limit_only_rises() {
        let before = Descriptors::read().unwrap();
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of the process open and close files meanwhile.
        assert!(Descriptors::read().unwrap().open + 20 > before.open + files.len() as u64);
        raise_limit().unwrap();
        let after = Descriptors::read().unwrap();
        assert!(after.limit.is_none_or(|limit| before.limit.is_some_and(|before| before <= limit)), "{after:?}");
    }

    #[test]
    fn a_process_without_a_limit_uses_no_part_of_it() {
        assert_eq!(Descriptors { open: 80, limit: Some(100) }.used(), 0.8);
        assert_eq!(Descriptors { open: 80, limit: None }.used(), 0.0);
    }
}
