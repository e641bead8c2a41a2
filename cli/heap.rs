//! The heap after a load: [`give_back`].
#![expect(unsafe_code, reason = "the C library alone can be asked for it")]

/// Gives memory that was freed back to the system. The C library keeps most of it for what may be needed next, which after a load of a
/// large zone is next to nothing. Does nothing with other C libraries than glibc.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no argument is a pointer, and it may be called at any time from any thread: it locks what it works on.
    unsafe {
        libc::malloc_trim(0);
    }
}
