//! Mobile numbers of Uganda: every way to write one gives its E.164 form, and nothing else is a number.

use piaxis::UgandanNumber;
use proptest::prelude::*;

/// What each is, or what is wrong with it.
#[test]
fn each_text_is_a_number_or_an_error_that_says_why() {
    let number = Ok("+256772123456");
    let character = Err("must consist of digits, spaces and hyphens, with or without a plus sign before them");
    let country = Err("the country code must be +256");
    let start = Err("must start with 7, 07, 2567 or +2567");
    let not_mobile = Err("the first digit after 0, 256 or +256 must be 7");
    for (text, expected) in [
        ("0772123456", number),
        ("0772 123 456", number),
        ("0772-123-456", number),
        ("772123456", number),
        ("256772123456", number),
        ("+256772123456", number),
        ("+256 772 123-456 ", number),
        ("0794000001", Ok("+256794000001")),
        ("0747000001", Ok("+256747000001")),
        ("0748000001", Ok("+256748000001")),
        ("0749000001", Ok("+256749000001")),
        ("", Err("must not be empty")),
        (" - ", Err("must not be empty")),
        ("0772123456 ext 2", character),
        ("(0772) 123456", character),
        ("0772\t123456", character),
        ("٠٧٧٢١٢٣٤٥٦", character),
        ("++256772123456", character),
        ("256+772123456", character),
        ("+254712345678", country),
        ("+0772123456", country),
        ("+", country),
        ("254712345678", start),
        ("123456789", start),
        ("0414123456", not_mobile),
        ("+2560772123456", not_mobile),
        ("00256772123456", not_mobile),
        ("0", not_mobile),
        ("256", not_mobile),
        ("077212345", Err("must have 9 digits from the 7 on, has 8")),
        ("07721234567", Err("must have 9 digits from the 7 on, has 10")),
        ("+2567", Err("must have 9 digits from the 7 on, has 1")),
    ] {
        let parsed = text.parse::<UgandanNumber>();
        let found = parsed.as_ref().map(UgandanNumber::as_str).map_err(|error| error.to_string());
        let expected = expected.map_err(|problem| format!("invalid Ugandan mobile number: {problem}"));
        assert_eq!(found, expected, "{text:?}");
    }
}

fn written() -> impl Strategy<Value = (String, String)> {
    let separated = |text: String| {
        let separators =
            proptest::collection::vec(prop_oneof![Just(""), Just(" "), Just("-"), Just(" - ")], text.len());
        separators.prop_map(move |separators| {
            text.chars().zip(separators).map(|(c, separator)| format!("{separator}{c}")).collect::<String>()
        })
    };
    ("7[0-9]{8}", prop_oneof![Just(""), Just("0"), Just("256"), Just("+256")])
        .prop_flat_map(move |(digits, prefix)| (separated(format!("{prefix}{digits}")), Just(format!("+256{digits}"))))
}

proptest! {
    #[test]
    fn every_way_to_write_a_number_gives_the_same((text, expected) in written()) {
        let number: UgandanNumber = text.parse().unwrap();
        prop_assert_eq!(number.as_str(), &expected);
        // What is normal stays as it is.
        prop_assert_eq!(&number.as_str().parse::<UgandanNumber>().unwrap(), &number);
        prop_assert_eq!(&String::from(number), &expected);
    }

    /// Whatever is accepted has the digits of the text and the form that the contract requires of payouts.
    #[test]
    fn no_other_text_is_a_number(text in r"\+?(256|254|0|00)?[ -]{0,2}[67][0-9 -]{6,10}[0-9x]?|.{0,14}") {
        if let Ok(number) = text.parse::<UgandanNumber>() {
            let digits = number.as_str().strip_prefix("+2567").unwrap();
            prop_assert!(digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            let kept: String = text.chars().filter(char::is_ascii_digit).collect();
            prop_assert!(["", "0", "256"].iter().any(|prefix| kept == format!("{prefix}7{digits}")), "{:?}", text);
        }
    }

    /// Neither the number nor a rejected text is shown.
    #[test]
    fn nothing_shows_the_number(digits in "7[0-9]{8}") {
        let number: UgandanNumber = digits.parse().unwrap();
        prop_assert_eq!(format!("{number:?}"), "UgandanNumber([redacted])");
        for text in [format!("+254{digits}"), format!("{digits}1"), format!("{digits}x"), format!("1{digits}")] {
            let error = text.parse::<UgandanNumber>().unwrap_err();
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(&digits[1..]), "{}", shown);
        }
    }
}
