//! Numbers by value, exactly: 1 is 1.0, and no large number is its neighbour.

use std::cmp::Ordering;

use serde_json::Value;

/// A number of a document: the whole number from it down, and the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exact {
    whole: i128,
    rest: f64,
}

impl Exact {
    pub(crate) const fn whole(whole: i128) -> Self {
        Self { whole, rest: 0.0 }
    }

    #[allow(clippy::cast_possible_truncation, reason = "beyond the whole numbers, the rest tells the difference")]
    #[allow(clippy::cast_precision_loss, reason = "the whole number comes from a float")]
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let number = value.as_number()?;
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        whole.map(Self::whole).or_else(|| {
            let (real, whole) = (number.as_f64()?, number.as_f64()?.floor() as i128);
            // The addition turns -0 into 0.
            Some(Self { whole, rest: real - whole as f64 + 0.0 })
        })
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        self.whole.cmp(&other.whole).then(self.rest.total_cmp(&other.rest))
    }

    /// The first whole number from this one up, or down; the next one where this one itself is not meant.
    pub(crate) fn rounded(self, up: bool, strict: bool) -> Self {
        let step = match (up, self.rest == 0.0) {
            (true, false) => 1,
            (true, true) => i128::from(strict),
            (false, true) => -i128::from(strict),
            (false, false) => 0,
        };
        Self::whole(self.whole.saturating_add(step))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let exact = |text: &str| Exact::of(&serde_json::from_str(text).unwrap()).unwrap();
        for (one, other, order) in [
            ("1", "1.0", Ordering::Equal),
            ("9223372036854775807", "9223372036854775806", Ordering::Greater),
            ("18446744073709551615", "-1", Ordering::Greater),
            ("1", "1.5", Ordering::Less),
            ("2", "1.5", Ordering::Greater),
            ("-1", "-1.5", Ordering::Greater),
            ("1", "1e300", Ordering::Less),
            ("1", "-1e300", Ordering::Greater),
            ("0.5", "0.25", Ordering::Greater),
        ] {
            assert_eq!(exact(one).compare(exact(other)), order, "{one} {other}");
            assert_eq!(exact(other).compare(exact(one)), order.reverse(), "{other} {one}");
        }
    }
}
