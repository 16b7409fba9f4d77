//! The decisions about the pages of a list, without HTTP, on lists that change while they are read.

#[allow(dead_code)]
#[path = "../../src/client/pagination/position.rs"]
mod position;
#[path = "../../src/client/pagination/seen.rs"]
mod seen;

use position::Position;
use seen::Id;

use crate::support::lists::changing::{Changing, Tally};

/// Where the files above look for the type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRequest {
    offset: u32,
    limit: u32,
}

/// Number of requests after which reading counts as endless.
const ENDLESS: usize = 5_000;

/// Reads a list to its end, or to the error.
fn read(list: &mut Changing, seed: u64) -> (Vec<usize>, Option<String>) {
    let mut position = Position::new(0, u32::try_from(list.page_size).unwrap(), 100);
    let mut read = Vec::new();
    for _ in 0..ENDLESS {
        let PageRequest { offset, limit } = position.request();
        let (items, total) = list.page(offset as usize, limit as usize);
        let ids = items.iter().map(|item| Id::from(item.to_string().as_str())).collect();
        match position.take(ids, total.map(|total| i64::try_from(total).unwrap())) {
            Ok(step) => {
                read.extend(items.iter().zip(step.is_new).filter(|(_, is_new)| *is_new).map(|(item, _)| *item));
                if step.has_ended {
                    return (read, None);
                }
            }
            Err(problem) => return (read, Some(problem)),
        }
    }
    panic!("seed {seed}: endless, {list:#?}");
}

fn check(cases: u64, longest: usize) -> Tally {
    let mut tally = Tally::default();
    let (first, times) = (variable("PIAXIS_PAGING_SEED", 0), variable("PIAXIS_PAGING_TIMES", 1));
    for seed in first..first + cases * times {
        let mut list = Changing::new(seed, longest);
        let (items, error) = read(&mut list, seed);
        tally.check(seed, &list, &items, error.as_deref());
    }
    println!("lists of up to {longest} items: {tally:?}");
    tally
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn no_item_of_a_short_list_is_lost_or_repeated() {
    let tally = check(10_000, 60);
    assert!(tally.errors < tally.cases / 3, "{tally:?}");
}

/// Long enough that ids are forgotten.
#[test]
fn no_item_of_a_long_list_is_lost_or_repeated() {
    let tally = check(100, 6_000);
    assert!(tally.errors < tally.cases / 2, "{tally:?}");
}
