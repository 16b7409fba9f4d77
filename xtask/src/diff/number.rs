//! Numbers by value, exactly: 1 is 1.0, and no large number is its neighbour.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// A number of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Exact {
    Whole(i128),
    /// With a fraction, or beyond all whole numbers that count.
    Real(f64),
}

impl Exact {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        value.as_number().and_then(Self::of_number)
    }

    fn of_number(number: &Number) -> Option<Self> {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        whole.map(Self::Whole).or_else(|| number.as_f64().map(Self::of_real))
    }

    #[allow(clippy::cast_possible_truncation, reason = "what is beyond the whole numbers stays as it is")]
    fn of_real(real: f64) -> Self {
        if real.fract() == 0.0 && real.abs() < 1e38 { Self::Whole(real as i128) } else { Self::Real(real) }
    }

    #[allow(clippy::cast_possible_truncation, reason = "a cast to a whole number stops at the largest")]
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.cmp(&other),
            (Self::Real(one), Self::Real(other)) => one.total_cmp(&other),
            // A number with a fraction is more than the whole number below it.
            (Self::Whole(one), Self::Real(other)) => one.cmp(&(other.floor() as i128)).then(Ordering::Less),
            (Self::Real(_), Self::Whole(_)) => other.compare(self).reverse(),
        }
    }

    /// The first whole number from this one up, or down; the next one where this one itself is not meant.
    pub(crate) fn whole(self, up: bool, strict: bool) -> Self {
        match self {
            Self::Whole(number) if strict => Self::Whole(if up { number + 1 } else { number - 1 }),
            Self::Whole(_) => self,
            Self::Real(number) => Self::of_real(if up { number.ceil() } else { number.floor() }),
        }
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
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
