use std::{borrow::Cow, cmp::Ordering, fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};
use serde_json::{Number, Value};

/// An exact amount of money in major units of its currency: `15000` is fifteen thousand shillings.
///
/// Read from text with or without thousands separators (`"50000.00"`, `"15,000.00"`) and from JSON numbers; written as
/// plain decimal text (`"15000.00"`). It never passes through a float: there is no `From<f64>`, and a JSON number with
/// more digits than a reader can be sure of is refused, not rounded.
///
/// ```
/// use piaxis::Amount;
///
/// let price: Amount = "15,000.00".parse()?;
/// assert_eq!(price, Amount::from(15_000));
/// assert_eq!(price.to_string(), "15000.00");
/// assert!("1,5000".parse::<Amount>().is_err());
/// # Ok::<(), piaxis::ParseAmountError>(())
/// ```
///
/// Arithmetic is checked and exact: an operation returns `None` when its result has too many digits, and never rounds.
/// Amounts compare with integers:
///
/// ```
/// use piaxis::Amount;
///
/// let fee = Amount::new(50_050, 2)?;
/// let total = Amount::from(15_000).checked_add(fee).ok_or("overflow")?;
/// assert_eq!(total.to_string(), "15500.50");
/// assert!(total > 15_500 && 16_000 >= total && fee != 500);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// An amount of `value` units of the `scale`-th decimal place: `new(1_500_050, 2)` is `15000.50`.
    ///
    /// # Errors
    /// When there are more than 28 decimal places.
    pub fn new(value: i64, scale: u32) -> Result<Self, ParseAmountError> {
        Decimal::try_new(value, scale).map(Self).map_err(|_| ParseAmountError(Problem::OutOfRange))
    }

    /// Returns the amount as a decimal, for arithmetic that `Amount` does not have.
    pub fn to_decimal(self) -> Decimal {
        self.0
    }

    /// Returns `self + other`, or `None` when the sum has more digits than an amount can hold.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        exact_sum(self.0, other.0).or_else(|| exact_sum(self.0.normalize(), other.0.normalize())).map(Self)
    }

    /// Returns `self - other`, or `None` when the difference has more digits than an amount can hold.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self(-other.0))
    }

    /// Returns `self * factor`, or `None` when the product has more digits than an amount can hold.
    ///
    /// ```
    /// use piaxis::Amount;
    ///
    /// let price = Amount::new(125_050, 2)?;
    /// assert_eq!(price.checked_mul(3), Some(Amount::new(375_150, 2)?));
    /// assert_eq!(price.checked_mul(i64::MAX).and_then(|total| total.checked_mul(i64::MAX)), None);
    /// # Ok::<(), piaxis::ParseAmountError>(())
    /// ```
    pub fn checked_mul(self, factor: impl Into<i128>) -> Option<Self> {
        let factor = factor.into();
        let product = |amount: Decimal| exact(amount.mantissa().checked_mul(factor)?, amount.scale());
        product(self.0).or_else(|| product(self.0.normalize())).map(Self)
    }

    /// Returns the sum of amounts, `ZERO` when there are none, or `None` when a partial sum has more digits than an amount
    /// can hold.
    ///
    /// ```
    /// use piaxis::Amount;
    ///
    /// let amounts = [Amount::from(45_000), Amount::from(30_000)];
    /// assert_eq!(Amount::checked_sum(amounts), Some(Amount::from(75_000)));
    /// ```
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }
}

/// Returns the sum at the larger scale of both. `Decimal::checked_add` would round a sum that does not fit.
fn exact_sum(one: Decimal, other: Decimal) -> Option<Decimal> {
    let scale = one.scale().max(other.scale());
    let mantissa = |decimal: Decimal| decimal.mantissa().checked_mul(10_i128.checked_pow(scale - decimal.scale())?);
    exact(mantissa(one)?.checked_add(mantissa(other)?)?, scale)
}

/// Returns the decimal of this mantissa and scale, without trailing zeros of the fraction that do not fit.
fn exact(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    loop {
        match Decimal::try_from_i128_with_scale(mantissa, scale) {
            Ok(decimal) => return Some(decimal),
            Err(_) if scale > 0 && mantissa % 10 == 0 => (mantissa, scale) = (mantissa / 10, scale - 1),
            Err(_) => return None,
        }
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

macro_rules! integers {
    ($($integer:ty),+) => {
        $(impl From<$integer> for Amount {
            fn from(value: $integer) -> Self {
                Self(value.into())
            }
        }

        impl PartialEq<$integer> for Amount {
            fn eq(&self, other: &$integer) -> bool {
                *self == Self::from(*other)
            }
        }

        impl PartialEq<Amount> for $integer {
            fn eq(&self, other: &Amount) -> bool {
                Amount::from(*self) == *other
            }
        }

        impl PartialOrd<$integer> for Amount {
            fn partial_cmp(&self, other: &$integer) -> Option<Ordering> {
                self.partial_cmp(&Self::from(*other))
            }
        }

        impl PartialOrd<Amount> for $integer {
            fn partial_cmp(&self, other: &Amount) -> Option<Ordering> {
                Amount::from(*self).partial_cmp(other)
            }
        })+
    };
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Plain decimal text, as it is sent.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseAmountError(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    NotDecimal,
    Grouping,
    OutOfRange,
    InexactNumber,
}

impl fmt::Display for ParseAmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Problem::NotDecimal => "not a decimal amount such as 15000 or 15,000.00",
            Problem::Grouping => "thousands separators where they do not belong",
            Problem::OutOfRange => "an amount that is too large or has too many decimal places to be exact",
            Problem::InexactNumber => {
                "a JSON number with more digits than can be read exactly; amounts of that size are sent as text"
            }
        })
    }
}

impl std::error::Error for ParseAmountError {}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !fraction.is_none_or(digits) || !exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e))) {
            return Err(ParseAmountError(Problem::NotDecimal));
        }
        let plain = if whole.contains(',') {
            let mut groups = whole.split(',');
            let first = groups.next().unwrap_or_default();
            if !(digits(first) && first.len() <= 3 && groups.all(|group| digits(group) && group.len() == 3)) {
                return Err(ParseAmountError(Problem::Grouping));
            }
            Cow::Owned(text.replace(',', ""))
        } else if digits(whole) {
            Cow::Borrowed(text)
        } else {
            return Err(ParseAmountError(Problem::NotDecimal));
        };
        let value = match exponent {
            // `from_scientific` rounds digits that do not fit, so they are checked first.
            Some(_) => Decimal::from_str_exact(plain.split(['e', 'E']).next().unwrap_or_default())
                .and_then(|_| Decimal::from_scientific(plain.strip_prefix('+').unwrap_or(&plain))),
            None => Decimal::from_str_exact(&plain),
        };
        value.map(Self).map_err(|_| ParseAmountError(Problem::OutOfRange))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> de::Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal amount such as 15000 or 15,000.00")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Amount, E> {
        Ok(whole.into())
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Amount, E> {
        Ok(whole.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom(ParseAmountError(Problem::NotDecimal)))?;
        from_number(&number).map_err(E::custom)
    }

    /// What a number is for `serde_json` when a program switches on `arbitrary_precision`.
    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Amount, A::Error> {
        match Value::deserialize(MapAccessDeserializer::new(map))? {
            Value::Number(number) => from_number(&number).map_err(de::Error::custom),
            _ => Err(de::Error::custom(ParseAmountError(Problem::NotDecimal))),
        }
    }
}

/// Reads a JSON number from its own digits, which a float of at most 15 of them still has.
fn from_number(number: &Number) -> Result<Amount, ParseAmountError> {
    let text = number.to_string();
    let is_float = !number.is_i64() && !number.is_u64();
    let significant = text.split(['e', 'E']).next().unwrap_or_default().trim_start_matches(['-', '0', '.']);
    let digits = significant.bytes().filter(u8::is_ascii_digit).count();
    let large = number.as_f64().is_none_or(|value| value.abs() >= 1e15);
    if is_float && (digits > 15 || large) {
        return Err(ParseAmountError(Problem::InexactNumber));
    }
    text.parse()
}
