//! The contract itself, and what it documents.

mod official_sdks;
mod round_trip;
mod rules;
