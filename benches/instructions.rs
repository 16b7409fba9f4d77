//! Instructions and allocations of a request, beside the same request written by hand with `reqwest`:
//! `cargo bench --bench instructions`.
//!
//! Requires `valgrind` in the `PATH`. Two runs agree within 0.1 %, on a busy machine too, where the times of `call` do not.
//! Each row is counted in a process of its own, single-threaded, while that is in [`counted`]: the connection stands before,
//! the server is another process, and the kernel is not counted. `allocations` counts bytes too, and needs no `valgrind`.
//!
//! Goal: at most 1.03 times the instructions by hand for one payment, and fewer than by hand for lists.
//!
//! Each row leaves a profile: `callgrind_annotate --inclusive=yes target/tmp/callgrind/get-this-crate.2`.
#![allow(clippy::unwrap_used)]

mod loopback;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use loopback::{ByHand, Ours, Raw, Server, Side, What, one_thread};
use tokio::runtime::Runtime;

const SIDES: [&str; 3] = ["by hand", "this crate", "client.raw"];
const REQUESTS: [What; 4] = [What::Get, What::Create, What::List, What::ReadAll];

/// Number of requests in each process.
const fn times(what: What) -> u32 {
    match what {
        What::Get | What::Create => 200,
        What::List => 40,
        What::ReadAll => 4,
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, side, what, base_url] = arguments.as_slice()
        && command == "count"
    {
        return count(side, named(what), base_url);
    }
    let server = Server::start();
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("not counted: valgrind is not installed");
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    fs::create_dir_all(&directory).unwrap();
    for what in REQUESTS {
        println!("{}", what.name());
        let mut by_hand = None;
        for side in SIDES {
            let counts = Counts::of(side, what, &server.base_url, &directory);
            let by_hand = *by_hand.get_or_insert(counts);
            println!(
                "  {side:<12} {:12.0} instructions, ratio {:6.4}   {:7.1} allocations, ratio {:6.3}",
                counts.instructions,
                counts.instructions / by_hand.instructions,
                counts.allocations,
                counts.allocations / by_hand.allocations,
            );
        }
    }
}

/// Sends the requests, in a process under `callgrind`.
fn count(side: &str, what: What, base_url: &str) {
    let runtime = one_thread();
    let side: Box<dyn Side> = match side {
        "by hand" => Box::new(ByHand::new(base_url)),
        "this crate" => Box::new(Ours::new(base_url)),
        _ => Box::new(Raw::new(&Ours::new(base_url))),
    };
    // Opens the connection, and lets its buffers grow.
    runtime.block_on(side.requests(what, times(what).div_ceil(4)));
    counted(&runtime, &*side, what);
}

/// `callgrind` knows this function by name, and counts from its beginning to its end.
#[inline(never)]
fn counted(runtime: &Runtime, side: &dyn Side, what: What) {
    runtime.block_on(side.requests(what, times(what)));
}

fn named(name: &str) -> What {
    REQUESTS.into_iter().find(|what| format!("{what:?}") == name).unwrap()
}

/// Counts of one request.
#[derive(Debug, Clone, Copy)]
struct Counts {
    instructions: f64,
    allocations: f64,
}

impl Counts {
    fn of(side: &str, what: What, base_url: &str, directory: &Path) -> Self {
        let file = profile(side, what, base_url, directory);
        let profile = fs::read_to_string(&file).unwrap();
        let (instructions, allocations) = (instructions(&profile), allocations(&profile));
        assert!(instructions > 0, "callgrind has not found `instructions::counted`");
        let each = |count: u64| count as f64 / f64::from(times(what));
        Self { instructions: each(instructions), allocations: each(allocations) }
    }
}

/// Runs this program again, under `callgrind`, and returns the path of the profile.
fn profile(side: &str, what: What, base_url: &str, directory: &Path) -> PathBuf {
    let file = directory.join(format!("{what:?} {side}").replace(' ', "-").to_lowercase());
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no"])
        // Not `--toggle-collect`, which leaves the numbers of calls as they are.
        .args(["--dump-before=instructions::counted", "--dump-after=instructions::counted"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["count", side, &format!("{what:?}"), base_url]);
    assert!(command.status().unwrap().success(), "{command:?}");
    // The first part is from before, the last one from after.
    PathBuf::from(format!("{}.2", file.display()))
}

/// `summary: 123`
fn instructions(profile: &str) -> u64 {
    profile.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap().trim().parse().unwrap()
}

/// `cfn=malloc`, and in the next line `calls=123 …`, once for each function that allocates.
fn allocations(profile: &str) -> u64 {
    let mut lines = profile.lines();
    let mut allocations = 0;
    while let Some(line) = lines.next() {
        let Some(function) = line.strip_prefix("cfn=") else { continue };
        let calls = lines.next().and_then(|line| line.strip_prefix("calls=")?.split(' ').next());
        if ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"].contains(&function) {
            allocations += calls.unwrap().parse::<u64>().unwrap();
        }
    }
    allocations
}
