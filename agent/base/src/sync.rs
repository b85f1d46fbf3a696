//! Locks that outlive a panic.
//!
//! What the agent keeps behind a lock is whole after each statement that changes it. A thread that panicked while it held
//! one has been reported by then; the others go on with what is there instead of falling with it.

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic of another holder.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    held(mutex.lock())
}

/// What a lock or the wait for a condition gave, also after a panic of another holder.
pub fn held<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Condvar;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_outlives_the_panic_of_a_holder() {
        let mutex = Mutex::new(7);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock(&mutex);
            panic!("a holder falls");
        }));
        assert!(panicked.is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 7);
        let (guard, timeout) = held(Condvar::new().wait_timeout(lock(&mutex), Duration::ZERO));
        assert!(*guard == 7 && timeout.timed_out());
    }
}
