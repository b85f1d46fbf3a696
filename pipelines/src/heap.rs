//! How the heap gives back what video takes of it.
//!
//! glibc takes large blocks from the kernel one by one, and gives each back as it is freed. But by itself it raises the size from
//! which on it does so to that of any such block that was freed: after the first key picture that left a ring, pictures and key
//! pictures lie among small things that outlive them, and what is freed between those stays with the process.

#![expect(unsafe_code, reason = "only the C library can say it; the call says why it is sound")]

/// From so many bytes on a block is taken from the kernel by itself: glibc's own size at first, below that of most key pictures.
#[cfg(target_env = "gnu")]
const LARGE_BYTES: libc::c_int = 128 << 10;

/// Has large blocks given back for good.
#[cfg(target_env = "gnu")]
pub(crate) fn give_back_large_blocks() {
    // SAFETY: it changes a number of the C library's under the lock of the library, and nothing of what is allocated.
    let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    if is_set == 0 {
        tracing::debug!("the heap keeps its own size of large blocks");
    }
}

/// Other C libraries know no such size.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back_large_blocks() {}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use std::hint::black_box;

    #[test]
    fn a_large_block_comes_from_the_kernel_also_after_one_was_freed() {
        super::give_back_large_blocks();
        let large = || vec![1_u8; 20 << 20];
        drop(black_box(large()));
        let block = black_box(large());
        // SAFETY: it reads numbers of the C library's under its lock.
        let from_kernel = unsafe { libc::mallinfo2() }.hblkhd;
        assert!(from_kernel >= block.len(), "{from_kernel} bytes");
    }
}
