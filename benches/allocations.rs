//! How often a request allocates, beside the same request written by hand with `reqwest`: `cargo bench --bench allocations`.
//!
//! It is a program of its own because counting costs time, which must not be in what `call` measures.
#![allow(clippy::unwrap_used)]

mod loopback;

use std::alloc::System;

use loopback::{ByHand, Ours, Raw, Server, Side, What, one_thread};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: u32 = 1_000;

fn main() {
    let server = Server::start();
    let runtime = one_thread();
    let ours = Ours::new(&server.base_url);
    let sides: [(&str, &dyn Side); 3] =
        [("by hand", &ByHand::new(&server.base_url)), ("this crate", &ours), ("client.raw", &Raw::new(&ours))];
    for what in What::SINGLE {
        println!("{}", what.name());
        for (name, side) in sides {
            // The connection is there before the counting begins.
            runtime.block_on(side.requests(what, 10));
            let region = Region::new(ALLOCATOR);
            runtime.block_on(side.requests(what, REQUESTS));
            let counted = region.change();
            let each = |count: usize| count as f64 / f64::from(REQUESTS);
            println!(
                "  {name:<12} {:7.1} allocations, {:5.1} of them grown, {:9.0} bytes",
                each(counted.allocations + counted.reallocations),
                each(counted.reallocations),
                each(counted.bytes_allocated)
            );
        }
    }
}
