//! The emulator of a test, and what tests do with it.

pub(crate) mod receiver;
pub(crate) mod scene;
pub(crate) mod tested;
