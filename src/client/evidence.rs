//! Typed evidence for the terms of an escrow, generated from the schemas that carry `x-piaxis-term-type`.

include!(concat!(env!("OUT_DIR"), "/evidence.rs"));
