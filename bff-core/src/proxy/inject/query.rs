//! Owns: a query in which some names are ours.
//!
//! Services read queries in many ways: case may not count, `a.b` and `a b` may be `a_b`, `a[]` and `a[x]` may
//! be `a`, and `;` may part pairs as `&` does. Whatever any of them could read as a name of ours goes; a name
//! that two of them could read differently refuses the query.

use percent_encoding::percent_decode_str;

use crate::json::folded;

/// The browser's `query` without what is called as `ours`, and `ours`, whose values are encoded. `None` if a
/// name in it is unclear.
pub(super) fn with(query: &str, ours: &[(String, String)]) -> Option<String> {
    let taken: Vec<String> = ours.iter().map(|(name, _)| canonical(name)).collect();
    let mut pairs: Vec<String> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if !taken.contains(&canonical(&decoded(name)?)) {
            pairs.push(pair.replace(';', "%3B"));
        }
    }
    pairs.extend(ours.iter().map(|(name, value)| format!("{name}={value}")));
    Some(pairs.join("&"))
}

/// A name as a form has it (a plus is a space), if it has one meaning.
fn decoded(name: &str) -> Option<String> {
    let mut rest = name.split('%').skip(1);
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !rest.all(is_escape) {
        return None;
    }
    let spaced = name.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    let unclear = |sign: char| sign.is_control() || matches!(sign, '%' | '&' | '=' | ';');
    (!decoded.contains(unclear)).then(|| decoded.into_owned())
}

/// What services could make of a name.
fn canonical(name: &str) -> String {
    let name = name.split('[').next().unwrap_or_default();
    let fold = |sign: char| if sign.is_alphanumeric() { sign } else { '_' };
    folded(name.trim()).chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours() -> Vec<(String, String)> {
        vec![("account_id".to_owned(), "a-1".to_owned())]
    }

    fn query(text: &str) -> Option<String> {
        with(text, &ours())
    }

    #[test]
    fn no_spelling_of_our_name_stays() {
        for spelling in [
            "account_id",
            "Account_ID",
            "account%5Fid",
            "account%5fid",
            "%61ccount_id",
            "account+id",
            "account.id",
            "account-id",
            "+account_id",
            "account_id+",
            "account_id[]",
            "account_id%5B%5D",
            "account_id[x]",
            "account_id[x][y]",
            "ACCOUNT_%49D",
            "account%20id",
            "account%C5%BFid_",
        ] {
            let text = format!("a=1&{spelling}=evil&b=2&{spelling}&{spelling}=");
            let expected =
                if spelling.contains("%C5") { None } else { Some("a=1&b=2&account_id=a-1") };
            let got = query(&text).unwrap();
            match expected {
                Some(expected) => assert_eq!(got, expected, "{spelling}"),
                None => assert!(got.ends_with("&account_id=a-1"), "{got}"),
            }
        }
        assert_eq!(query("").unwrap(), "account_id=a-1");
        assert_eq!(query("&&a&=x&").unwrap(), "a&=x&account_id=a-1");
    }

    #[test]
    fn a_pair_cannot_hide_behind_a_semicolon() {
        let got = query("a=1;account_id=evil&b=2").unwrap();
        assert_eq!(got, "a=1%3Baccount_id=evil&b=2&account_id=a-1");
    }

    #[test]
    fn a_name_that_may_mean_two_things_is_refused() {
        for unclear in [
            "account%5id=evil",
            "account%=evil",
            "%ff=1",
            "account%C1%9Fid=evil",
            "account_id%00=evil",
            "a%26account_id=evil",
            "account%255Fid=evil",
            "a%3Daccount_id=1",
            "a;account_id=evil",
        ] {
            assert_eq!(query(unclear), None, "{unclear}");
        }
    }

    /// Readers of queries, from the strict to the lax.
    fn read(query: &str, semicolons: bool) -> Vec<(String, String)> {
        let parts = |sign: char| sign == '&' || (semicolons && sign == ';');
        query
            .split(parts)
            .flat_map(|pair| url::form_urlencoded::parse(pair.as_bytes()).into_owned())
            .collect()
    }

    proptest! {
        #[test]
        fn whatever_the_browser_sends_a_service_reads_our_value_and_no_other(
            text in "((a|account_id|Account.Id|account%5Fid|account_id%5B%5D|%61ccount_id|b|;|%3B|=|evil|&|\\+|\\[|\\]|%26|%25){0,12})"
        ) {
            if let Some(query) = query(&text) {
                for semicolons in [false, true] {
                    let pairs = read(&query, semicolons);
                    let fold = |name: &str| {
                        name.to_lowercase().split('[').next().unwrap().trim().replace(['.', ' ', '-'], "_")
                    };
                    let read: Vec<_> = pairs.iter().filter(|(name, _)| fold(name) == "account_id").collect();
                    prop_assert_eq!(read.len(), 1, "{}", query);
                    prop_assert_eq!(&*read[0].1, "a-1");
                }
            }
        }
    }
}
