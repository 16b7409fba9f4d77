//! The tasks, run as programs. One binary, so that they are linked once and run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check {
    mod backend;
    mod contract;
    mod docs;
    mod pages;
    mod responses;
    mod wording;
}
mod diff {
    mod acknowledged;
    mod base;
    mod contract;
    mod directions;
    mod errors;
    mod places;
    mod rules;
}
mod repository {
    #[cfg(unix)]
    mod ci_scripts;
    mod documents;
}
mod shared {
    mod formats;
    mod loading;
}
mod support {
    pub mod checker;
    pub mod differ;
    pub mod folder;
}
