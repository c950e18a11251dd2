//! Durations in attributes, such as `"30s"`, checked while the plug-in is built.

use syn::LitStr;

/// Names of a unit of time, and how many nanoseconds it has.
const UNITS: [(&str, u64); 4] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds that a literal names.
pub(crate) fn nanoseconds(literal: &LitStr) -> syn::Result<u64> {
    let text = literal.value();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = UNITS
        .iter()
        .find(|(name, _)| *name == &text[digits.len()..]);
    let count = digits.trim().parse::<u64>().ok().filter(|count| *count > 0);
    match (count, factor) {
        (Some(count), Some((_, factor))) => count.checked_mul(*factor),
        _ => None,
    }
    .ok_or_else(|| {
        let message = format!("\"{text}\" is no duration; write \"30s\", \"5min\" or \"2h\"");
        syn::Error::new(literal.span(), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn durations_are_checked_when_built() {
        let read = |text| nanoseconds(&LitStr::new(text, Span::call_site()));
        assert_eq!(read("30s").expect("is one"), 30_000_000_000);
        assert_eq!(read("2 min").expect("is one"), 120_000_000_000);
        for text in ["", "0s", "30", "1.5h", "soon", "99999999999h"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
