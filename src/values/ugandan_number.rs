use std::{error::Error, fmt, str::FromStr};

use super::Redacted;

const COUNTRY_CODE: &str = "+256";
/// Digits of a number after the country code.
const DIGITS: usize = 9;

/// A mobile number of Uganda in E.164 form, the form that the API requires: `+256772123456`.
///
/// Parses what people write: `0772 123 456`, `772123456`, `256-772-123456`, `+256 772 123456`. Spaces and hyphens are
/// removed. `0`, `256` and `+256` are replaced by `+256`. Anything else is an error, such as a number of another country or
/// of a landline.
///
/// ```
/// use piaxis::{UgandanNumber, types::UserInfo};
///
/// let number: UgandanNumber = "0772 123 456".parse()?;
/// assert_eq!(number.as_str(), "+256772123456");
/// let payer = UserInfo::builder().phone_number(number).build();
/// # Ok::<(), piaxis::ParseUgandanNumberError>(())
/// ```
///
/// The numbering plan of Uganda gives a mobile number nine digits, of which the first is 7 (the ITU published it on
/// 21 December 2005). The type does not compare the digits with the ranges that are in use, because new ranges are added.
/// The type does not tell the network either. Ask the payer for the [`PaymentMethod`](crate::PaymentMethod).
///
/// `Debug` prints `[redacted]`, and there is no `Display`. [`as_str`](Self::as_str) is the number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UgandanNumber(String);

impl UgandanNumber {
    /// The number in E.164 form. Keep it out of logs and URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UgandanNumber {
    type Err = ParseUgandanNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| Err(ParseUgandanNumberError(problem));
        let written: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if written.is_empty() {
            return error(Problem::Empty);
        }
        let unsigned = written.strip_prefix('+');
        if !unsigned.unwrap_or(&written).bytes().all(|byte| byte.is_ascii_digit()) {
            return error(Problem::Character);
        }
        let number = match unsigned {
            Some(digits) => match digits.strip_prefix("256") {
                Some(number) => number,
                None => return error(Problem::Country),
            },
            None if written.starts_with('7') => &written,
            None => match written.strip_prefix('0').or_else(|| written.strip_prefix("256")) {
                Some(number) => number,
                None => return error(Problem::Start),
            },
        };
        if !number.starts_with('7') {
            return error(Problem::NotMobile);
        }
        if number.len() != DIGITS {
            return error(Problem::Length(number.len()));
        }
        Ok(Self(format!("{COUNTRY_CODE}{number}")))
    }
}

impl AsRef<str> for UgandanNumber {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// For the builders of request bodies.
impl From<UgandanNumber> for String {
    fn from(number: UgandanNumber) -> Self {
        number.0
    }
}

impl fmt::Debug for UgandanNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UgandanNumber({Redacted:?})")
    }
}

/// A text that is no mobile number of Uganda. Says why, without the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseUgandanNumberError(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Empty,
    Character,
    Country,
    Start,
    NotMobile,
    Length(usize),
}

impl fmt::Display for ParseUgandanNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid Ugandan mobile number: ")?;
        match self.0 {
            Problem::Empty => f.write_str("must not be empty"),
            Problem::Character => {
                f.write_str("must consist of digits, spaces and hyphens, with or without a plus sign before them")
            }
            Problem::Country => f.write_str("the country code must be +256"),
            Problem::Start => f.write_str("must start with 7, 07, 2567 or +2567"),
            Problem::NotMobile => f.write_str("the first digit after 0, 256 or +256 must be 7"),
            Problem::Length(found) => {
                write!(f, "must have {DIGITS} digits from the 7 on, has {found}")
            }
        }
    }
}

impl Error for ParseUgandanNumberError {}
