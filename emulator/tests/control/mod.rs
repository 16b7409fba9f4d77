//! The control API, the page, and named situations.

mod api;
mod page;
mod scenarios;
