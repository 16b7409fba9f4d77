//! Bounds of what requests add and nothing else removes.

use std::{collections::HashMap, hash::Hash};

/// The keys to forget before another value is added to a map: none while the map has room, then the half whose values come
/// first in the order of `time`.
pub(crate) fn oldest<K: Clone + Eq + Hash, V, T: Ord>(
    map: &HashMap<K, V>,
    most: usize,
    time: impl Fn(&V) -> T,
) -> Vec<K> {
    if map.len() < most {
        return Vec::new();
    }
    let mut keys: Vec<(T, &K)> = map.iter().map(|(key, value)| (time(value), key)).collect();
    let half = keys.len().div_ceil(2);
    if half < keys.len() {
        keys.select_nth_unstable_by(half, |(one, _), (other, _)| one.cmp(other));
    }
    keys.into_iter().take(half).map(|(_, key)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_half_is_forgotten_once_a_map_is_full() {
        let map: HashMap<u32, u32> = (0..10).map(|key| (key, 100 - key)).collect();
        assert_eq!(oldest(&map, 11, |value| *value), Vec::<u32>::new());
        let mut keys = oldest(&map, 10, |value| *value);
        keys.sort_unstable();
        assert_eq!(keys, [5, 6, 7, 8, 9]);
        assert_eq!(oldest(&map, 10, |_| 0).len(), 5, "values of one time");
        assert_eq!(oldest(&HashMap::from([(1, 1)]), 1, |value| *value), [1]);
    }
}
