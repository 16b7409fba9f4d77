//! The cost of a request, beside the same request written by hand with `reqwest`, and beside the official Python package:
//! `cargo bench --bench call`.
//!
//! `PIAXIS_PYTHON` names a Python that has the package (`pip install piaxis-sdk==0.2.4`); without it, that side is left out.
#![allow(clippy::unwrap_used)]

mod loopback;

use std::{
    hint::black_box,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;
use loopback::{ByHand, Ours, Raw, Server, Side, What, one_thread};
use piaxis::types::PaymentList;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

const ROUNDS: usize = 101;
const CONCURRENT: u32 = 64;

/// What some work took: of the clock, and of the processor, by all threads of the process together.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    fn of(work: impl FnOnce()) -> Self {
        let (wall, cpu) = (Instant::now(), ProcessTime::now());
        work();
        Self { wall: wall.elapsed(), cpu: cpu.elapsed() }
    }

    fn each(self, times: u32) -> Self {
        Self { wall: self.wall / times, cpu: self.cpu / times }
    }
}

/// Does something so many times.
type Repeat<'a> = Box<dyn FnMut(u32) -> Cost + 'a>;

fn main() {
    let server = Server::start();
    alone(&server);
    together(&server);
    read_all(&server);
    decoding();
}

/// One request after another, on one thread.
fn alone(server: &Server) {
    let runtime = one_thread();
    let (ours, by_hand) = (Ours::new(&server.base_url), ByHand::new(&server.base_url));
    let raw = Raw::new(&ours);
    let mut python = std::env::var("PIAXIS_PYTHON").ok().map(|python| Python::start(&python, server));
    for what in What::SINGLE {
        let times = if what == What::List { 20 } else { 100 };
        let after_another = |side: &dyn Side, times: u32| Cost::of(|| runtime.block_on(side.requests(what, times)));
        let mut sides: Vec<(&str, Repeat<'_>)> = vec![
            ("by hand", Box::new(|times| after_another(&by_hand, times))),
            ("this crate", Box::new(|times| after_another(&ours, times))),
            ("client.raw", Box::new(|times| after_another(&raw, times))),
        ];
        if let Some(python) = &mut python {
            sides.push(("Python", Box::new(|times| python.requests(what, times))));
        }
        println!("{}, one after another", what.name());
        if let [_, ours, _, python] = compare(ROUNDS, times, &mut sides).as_slice() {
            println!("  Python takes {:.1} times the processor of this crate", ratio(python, ours, |cost| cost.cpu));
        }
    }
}

/// Many requests at a time, on as many threads as tokio takes by itself.
fn together(server: &Server) {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let (ours, by_hand) = (Ours::new(&server.base_url), ByHand::new(&server.base_url));
    println!("{}, {CONCURRENT} at a time", What::Get.name());
    compare(
        ROUNDS,
        CONCURRENT * 20,
        &mut [
            ("by hand", Box::new(|times| at_a_time(&runtime, &by_hand, times))),
            ("this crate", Box::new(|times| at_a_time(&runtime, &ours, times))),
        ],
    );
}

fn at_a_time(runtime: &Runtime, side: &dyn Side, times: u32) -> Cost {
    Cost::of(|| {
        runtime.block_on(async {
            let tasks: JoinSet<()> = (0..CONCURRENT).map(|_| side.requests(What::Get, times / CONCURRENT)).collect();
            tasks.join_all().await;
        });
    })
}

/// Streaming, beside a loop that requests one page after another and checks nothing.
fn read_all(server: &Server) {
    let runtime = one_thread();
    let (ours, by_hand) = (Ours::new(&server.base_url), ByHand::new(&server.base_url));
    let raw = Raw::new(&ours);
    let read_all = |side: &dyn Side, times: u32| Cost::of(|| runtime.block_on(side.requests(What::ReadAll, times)));
    println!("{}", What::ReadAll.name());
    compare(
        ROUNDS,
        4,
        &mut [
            ("by hand", Box::new(|times| read_all(&by_hand, times))),
            ("this crate", Box::new(|times| read_all(&ours, times))),
            ("client.raw", Box::new(|times| read_all(&raw, times))),
        ],
    );
}

/// The share of a page in what listing costs: the same bytes, without a network.
fn decoding() {
    let page = loopback::page(0).to_string();
    println!("decode 100 payments ({} bytes)", page.len());
    let decode = |times: u32| {
        Cost::of(|| (0..times).for_each(|_| drop(black_box(serde_json::from_str::<PaymentList>(&page).unwrap()))))
    };
    compare(ROUNDS, 20, &mut [("serde_json", Box::new(decode))]);
}

/// Lets the sides take turns, so that all see the same machine, and prints medians: what one time costs, and how many
/// times what the first side costs.
fn compare(rounds: usize, times: u32, sides: &mut [(&str, Repeat<'_>)]) -> Vec<Vec<Cost>> {
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); sides.len()];
    let mut order: Vec<usize> = (0..sides.len()).collect();
    for _ in 0..rounds {
        for &side in &order {
            let repeat = &mut sides[side].1;
            // Opens connections, and fills the caches that the side before has emptied: the side that follows Python's long
            // turn would pay for it.
            repeat(times / 4);
            costs[side].push(repeat(times).each(times));
        }
        order.reverse();
    }
    for ((name, _), own) in sides.iter().zip(&costs) {
        let cpu = median(own.iter().map(|cost| cost.cpu.as_secs_f64()));
        let wall = median(own.iter().map(|cost| cost.wall.as_secs_f64()));
        println!(
            "  {name:<12} processor {:7.1} µs, ratio {:6.3}   clock {:7.1} µs, ratio {:6.3}   {:8.0} a second",
            cpu * 1e6,
            ratio(own, &costs[0], |cost| cost.cpu),
            wall * 1e6,
            ratio(own, &costs[0], |cost| cost.wall),
            1.0 / wall
        );
    }
    costs
}

/// Of each round by itself: what disturbs one side in it disturbs the others too.
fn ratio(own: &[Cost], other: &[Cost], of: fn(&Cost) -> Duration) -> f64 {
    median(own.iter().zip(other).map(|(own, other)| of(own).as_secs_f64() / of(other).as_secs_f64()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The official package in a process that sends requests on command, and returns their cost.
struct Python {
    process: Child,
    commands: ChildStdin,
    costs: BufReader<ChildStdout>,
}

impl Python {
    fn start(python: &str, server: &Server) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/call.py");
        let mut command = Command::new(python);
        command.args([script, &server.base_url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let commands = process.stdin.take().unwrap();
        let costs = BufReader::new(process.stdout.take().unwrap());
        Self { process, commands, costs }
    }

    fn requests(&mut self, what: What, times: u32) -> Cost {
        writeln!(self.commands, "{what:?} {times}").unwrap();
        let mut line = String::new();
        self.costs.read_line(&mut line).unwrap();
        let seconds: Vec<Duration> =
            line.split_whitespace().map(|seconds| Duration::from_secs_f64(seconds.parse().unwrap())).collect();
        Cost { wall: seconds[0], cpu: seconds[1] }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
