//! Named threads that say how they ended, and what one has taken of the processor.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// What went wrong with a thread.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The system gives no more threads.
    #[error("failed to start the thread `{name}`: {source}; the limits of processes and memory may be too low")]
    Start {
        /// What it was to be called.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It fell.
    #[error("the thread `{name}` panicked; its last messages are in the log")]
    Panicked {
        /// What it was called.
        name: String,
    },
}

/// A named thread.
#[derive(Debug)]
pub struct Thread<T = ()> {
    name: String,
    handle: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Thread<T> {
    /// Starts it.
    pub fn spawn(name: impl Into<String>, work: impl FnOnce() -> T + Send + 'static) -> Result<Self, ThreadError> {
        let name = name.into();
        match std::thread::Builder::new().name(name.clone()).spawn(work) {
            Ok(handle) => Ok(Self { name, handle: Some(handle) }),
            Err(source) => Err(ThreadError::Start { name, source }),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What it ended with, waiting for that; none if that was asked before.
    pub fn join(&mut self) -> Result<Option<T>, ThreadError> {
        let ended = self.handle.take().map(JoinHandle::join).transpose();
        ended.map_err(|_| ThreadError::Panicked { name: self.name.clone() })
    }
}

/// Processor time of the calling thread; what a piece of work costs, however busy the box is with other things.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_says_what_it_ended_with_and_that_it_panicked() {
        let mut thread = Thread::spawn("worker", || 7).unwrap();
        assert_eq!((thread.join().unwrap(), thread.join().unwrap(), thread.has_ended()), (Some(7), None, true));
        let mut thread = Thread::spawn("clumsy", || panic!("over")).unwrap();
        assert!(thread.join().unwrap_err().to_string().contains("`clumsy` panicked"));
    }

    #[test]
    fn the_processor_time_of_a_thread_goes_on_while_it_works() {
        let before = cpu_time();
        let mut sum = 0_u64;
        while cpu_time() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time() > before);
    }
}
