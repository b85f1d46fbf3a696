//! What several rooms need below them: no decisions, no domain, nothing that a library does as it is.
//!
//! - [`backoff`]: waits between attempts.
//! - [`setting`]: what is wrong with a key of the site file, and the mend.
//! - [`secret`]: passwords, from where they come, never shown.
//! - [`broker`]: the address of a message broker and the keys that every client of one has.
//! - [`tls`]: both sides of TLS from files.
//! - [`http`]: questions over HTTP, and their answers.
//! - [`digest`]: the login by digest that some of them ask for.
//! - [`post`]: one document over HTTP for another.
//! - [`durable`]: files that are either wholly there or not there.
//! - [`file`]: what a user names to be looked at.
//! - [`packet`]: several files in one.
//! - [`private`]: who may read a file.
//! - [`port`]: ports that nobody uses.
//! - [`messages`]: what stands beside the pictures in coded video, such as a camera's own signatures.
//! - [`hash`]: SHA-256 of files, and pinned files.
//! - [`landing`]: whether the drones of this box stand on the ground.
//! - [`random`]: numbers and names that nobody can foresee.
//! - [`child`]: other programs, bounded in time and output, and none left behind.
//! - [`supervisor`]: what the service manager is told.
//! - [`sync`]: locks that outlive a panic.
//! - [`thread`]: threads that say how they ended.

pub mod backoff;
pub mod broker;
pub mod child;
pub mod digest;
pub mod durable;
pub mod file;
pub mod hash;
pub mod http;
pub mod landing;
pub mod messages;
pub mod packet;
pub mod port;
pub mod post;
pub mod private;
pub mod random;
pub mod secret;
pub mod setting;
pub mod supervisor;
pub mod sync;
pub mod thread;
pub mod tls;

// The macro of `broker` names this crate as its users do.
#[cfg(test)]
extern crate self as forewarn_base;
