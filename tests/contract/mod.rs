//! The contract itself, and what it documents.

mod round_trip;
mod rules;
