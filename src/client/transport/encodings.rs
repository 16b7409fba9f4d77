//! Finds a secret in a text in every spelling that servers and gateways use: plain, escaped for JSON, percent-encoded,
//! escaped for HTML, in base64, and any mixture of these.

use base64::{
    Engine as _,
    engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE},
};
use zeroize::Zeroizing;

/// Shorter texts are not redacted: redacting them everywhere would make messages unreadable.
const SHORTEST: usize = 4;
/// Most escape sequences that are read as one blank. More would let a server slow the search down.
const MOST_BLANKS: usize = 16;
/// Most backslashes before one character, for the same reason.
const MOST_BACKSLASHES: usize = 8;
/// A backslash before an escaped character, encoded in its turn.
const BACKSLASHES: [&str; 6] = ["\\", "%5C", "%5c", "&#92;", "&#x5C;", "&#x5c;"];
/// Beginnings of a percent-encoded byte that was encoded once, twice and three times.
const PERCENTS: [&str; 3] = ["%", "%25", "%2525"];
/// Beginnings of an HTML entity that was escaped once, twice and three times.
const AMPERSANDS: [&str; 3] = ["&", "&amp;", "&amp;amp;"];
/// Longer than each escape sequence of one character.
const LONGEST_ESCAPE: usize = 16;
const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\u{a0}'];
const SHORT_ESCAPES: [(char, char); 5] = [('\n', 'n'), ('\t', 't'), ('\r', 'r'), ('\u{8}', 'b'), ('\u{c}', 'f')];
/// Names of the HTML entities of ASCII characters.
const ASCII_ENTITIES: [(char, &str); 5] = [('&', "amp"), ('<', "lt"), ('>', "gt"), ('"', "quot"), ('\'', "apos")];
/// Names of the HTML entities of Latin-1, from U+00A0 to U+00FF.
const LATIN_ENTITIES: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc \
    Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve \
    Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute \
    acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde \
    ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// A secret to find: in lower case, trimmed, and each run of white space one blank, because servers change all three.
pub(super) struct Pattern(Zeroizing<String>);

/// Returns the patterns of these secrets.
pub(super) fn patterns<'a>(secrets: impl Iterator<Item = &'a str>) -> Vec<Pattern> {
    let mut found = Vec::new();
    for secret in secrets {
        add(&mut found, secret);
        for plain in [secret, secret.trim()] {
            base64(plain).iter().for_each(|encoded| add(&mut found, encoded));
        }
        if let Some(digits) = phone_digits(secret) {
            add(&mut found, &digits);
        }
    }
    found
}

fn add(found: &mut Vec<Pattern>, text: &str) {
    let mut pattern = Zeroizing::new(String::with_capacity(text.len()));
    for word in text.split_whitespace() {
        if !pattern.is_empty() {
            pattern.push(' ');
        }
        pattern.extend(word.chars().map(|c| c.to_ascii_lowercase()));
    }
    if pattern.len() >= SHORTEST && found.iter().all(|known| known.0 != pattern) {
        found.push(Pattern(pattern));
    }
}

/// Returns the digits of a phone number: servers drop the plus sign and separators.
fn phone_digits(text: &str) -> Option<Zeroizing<String>> {
    let is_phone = text.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c));
    is_phone.then(|| Zeroizing::new(text.chars().filter(char::is_ascii_digit).collect()))
}

/// Returns base64 of the secret at each position in a longer text: the characters that no other byte decides.
fn base64(secret: &str) -> Vec<Zeroizing<String>> {
    let encode = |engine: GeneralPurpose, (shift, from): (usize, usize)| {
        let mut bytes = Zeroizing::new(vec![0; shift]);
        bytes.extend_from_slice(secret.as_bytes());
        let encoded = Zeroizing::new(engine.encode(&*bytes));
        Zeroizing::new(encoded.get(from..bytes.len() * 8 / 6).unwrap_or_default().to_owned())
    };
    let positions = [(0, 0), (1, 2), (2, 3)];
    [STANDARD, URL_SAFE].iter().flat_map(|engine| positions.map(|position| encode(engine.clone(), position))).collect()
}

impl Pattern {
    /// Returns where the secret ends that starts at `start`. A secret that is cut off ends with the text.
    pub(super) fn end(&self, text: &str, start: usize) -> Option<usize> {
        let (head, first) = (text[start..].chars().next()?, self.0.chars().next()?);
        if !head.eq_ignore_ascii_case(&first) && !matches!(head, '\\' | '%' | '&') {
            return None;
        }
        // A text has several readings (`%25` is `%25` or `%`), so there are several positions after each character.
        let (mut positions, mut next) = (vec![start], Vec::new());
        for (count, c) in self.0.chars().enumerate() {
            if count >= SHORTEST
                && let Some(end) = positions.iter().find_map(|at| cut_off(text, *at))
            {
                return Some(end);
            }
            for at in positions.drain(..) {
                match c {
                    ' ' => blanks(text, at, &mut next),
                    c => character(text, at, c, &mut next),
                }
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return None;
            }
            std::mem::swap(&mut positions, &mut next);
        }
        positions.into_iter().max()
    }
}

/// Returns where a secret ends that breaks off at this position, maybe within an escape sequence: the text ends there, or
/// has an ellipsis.
fn cut_off(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let is_part = |c: char| c.is_ascii_alphanumeric() || "\\%&#;{".contains(c);
    let length = if rest.starts_with(['\\', '%', '&']) {
        let mut characters = rest.char_indices();
        let end = characters.find(|(length, c)| *length == LONGEST_ESCAPE || !is_part(*c));
        end.map_or(rest.len(), |(length, _)| length)
    } else {
        0
    };
    let rest = &rest[length..];
    // A character that is cut off is decoded as U+FFFD.
    let is_end = rest.is_empty() || rest == "\u{fffd}" || rest.starts_with("...") || rest.starts_with('…');
    is_end.then_some(at + length)
}

/// Adds the positions after one blank or more.
fn blanks(text: &str, at: usize, next: &mut Vec<usize>) {
    let mut positions = vec![at];
    for _ in 0..MOST_BLANKS {
        let mut longer = Vec::new();
        for at in positions {
            let rest = &text[at..];
            let after_run = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '+');
            if after_run.len() < rest.len() {
                longer.push(text.len() - after_run.len());
            }
            for blank in BLANKS {
                character(text, at, blank, &mut longer);
            }
        }
        longer.sort_unstable();
        longer.dedup();
        if longer.is_empty() {
            break;
        }
        next.extend(&longer);
        positions = longer;
    }
}

/// Adds the positions after each spelling of one character.
fn character(text: &str, at: usize, c: char, next: &mut Vec<usize>) {
    let rest = &text[at..];
    let slashes = backslashes(rest);
    let unslashed = &rest[slashes..];
    // Backslashes come before the character as often as it was escaped.
    if c == '\\' {
        let plain = rest.bytes().take(MOST_BACKSLASHES).take_while(|byte| *byte == b'\\').count();
        next.extend((1..=plain).map(|count| at + count));
    } else if let Some(head) = unslashed.chars().next().filter(|head| head.eq_ignore_ascii_case(&c)) {
        next.push(at + slashes + head.len_utf8());
    }
    if !rest.starts_with(['\\', '%', '&']) {
        return;
    }
    let escaped = if c == '\\' { rest } else { unslashed };
    let cases = [Some(c), Some(c.to_ascii_uppercase()).filter(|upper| *upper != c)];
    for c in cases.into_iter().flatten() {
        let short = SHORT_ESCAPES.iter().find(|(escaped, _)| *escaped == c);
        let short = short.and_then(|(_, letter)| unslashed.strip_prefix(*letter).filter(|_| slashes > 0));
        let bytes: Vec<u32> = c.encode_utf8(&mut [0; 4]).bytes().map(u32::from).collect();
        let units: Vec<u32> = c.encode_utf16(&mut [0; 2]).iter().map(|unit| u32::from(*unit)).collect();
        let slashed = [
            short,
            hex(rest, &units, 4, |rest| slashed(rest, "u")),
            hex(rest, &bytes, 2, |rest| slashed(rest, "x")),
            slashed(rest, "u{").and_then(|digits| number(digits, 16, b'}', c)),
        ];
        let percent = PERCENTS.map(|percent| hex(escaped, &bytes, 2, |rest| rest.strip_prefix(percent)));
        let entities = AMPERSANDS.map(|ampersand| escaped.strip_prefix(ampersand).and_then(|rest| entity(rest, c)));
        let found = slashed.into_iter().chain(percent).chain(entities).flatten();
        next.extend(found.map(|after| text.len() - after.len()));
    }
}

/// Returns what follows the backslashes and this letter.
fn slashed<'a>(text: &'a str, letter: &str) -> Option<&'a str> {
    let slashes = backslashes(text);
    (slashes > 0).then(|| &text[slashes..])?.strip_prefix(letter)
}

/// Returns the length of the backslashes at the beginning of the text.
fn backslashes(text: &str) -> usize {
    let mut rest = text;
    for _ in 0..MOST_BACKSLASHES {
        let Some(after) = BACKSLASHES.iter().find_map(|backslash| rest.strip_prefix(backslash)) else { break };
        rest = after;
    }
    text.len() - rest.len()
}

/// Returns what follows these values, each a prefix and so many hexadecimal digits.
fn hex<'a>(
    text: &'a str,
    values: &[u32],
    digits: usize,
    strip_prefix: impl Fn(&'a str) -> Option<&'a str>,
) -> Option<&'a str> {
    values.iter().try_fold(text, |text, value| {
        let (number, rest) = strip_prefix(text)?.split_at_checked(digits)?;
        (u32::from_str_radix(number, 16) == Ok(*value)).then_some(rest)
    })
}

/// Returns what follows an HTML entity, of which `text` lacks the ampersand.
fn entity(text: &str, c: char) -> Option<&str> {
    if let Some(digits) = text.strip_prefix('#') {
        return match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16, b';', c),
            None => number(digits, 10, b';', c),
        };
    }
    let ascii = ASCII_ENTITIES.iter().find(|(known, _)| *known == c).map(|(_, name)| *name);
    let latin = || LATIN_ENTITIES.split(' ').nth((c as usize).checked_sub(0xa0)?);
    text.strip_prefix(ascii.or_else(latin)?)?.strip_prefix(';')
}

/// Returns what follows the number of a character and the end of its escape sequence.
fn number(text: &str, radix: u32, end: u8, c: char) -> Option<&str> {
    let length = text.bytes().take(LONGEST_ESCAPE).position(|byte| byte == end)?;
    let (number, rest) = (&text[..length], &text[length + 1..]);
    (u32::from_str_radix(number, radix) == Ok(u32::from(c))).then_some(rest)
}
