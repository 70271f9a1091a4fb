//! What the corpus holds: how much, under which names, and which answer each case has to get.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::*;

/// The cases of each kind of service, made once.
static KINDS: LazyLock<Vec<(&str, Vec<Case>)>> = LazyLock::new(|| {
    let kinds = [
        ("everything", everything()),
        ("bearer only", bearer_only()),
        ("key-bound alone", dpop_alone()),
        ("certificate-bound alone", certificates_alone()),
        ("bound twice", both_alone()),
    ];
    let all = |kind: Kind| corpus::all(&Scene::new(&Issuer::new(), kind.described));
    kinds.map(|(name, kind)| (name, all(kind))).into()
});

#[test]
fn the_corpus_is_as_large_as_it_has_to_be() {
    let (_, cases) = &KINDS[0];
    let count = |tokens: bool, accepted: bool| {
        let fits = |case: &&Case| {
            case.class().is_of_tokens() == tokens
                && (*case.expected() == Expected::Accepted) == accepted
        };
        cases.iter().filter(fits).count()
    };
    let (good, bad) = (count(true, true), count(true, false));
    assert!(good >= 30 && good + bad >= 300, "{good} good and {bad} bad tokens");
    let (good, bad) = (count(false, true), count(false, false));
    assert!(good >= 30 && good + bad >= 70, "{good} good and {bad} bad requests");
}

#[test]
fn each_case_has_a_name_of_its_own() {
    for (kind, cases) in &*KINDS {
        let mut names = HashSet::new();
        for name in cases.iter().map(Case::name) {
            assert!(names.insert(name), "{kind}: {name} twice");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(plain) && !name.contains("--"), "{name}");
        }
    }
}

#[test]
fn no_request_holds_what_no_request_can_hold() {
    for (_, cases) in &*KINDS {
        for case in cases {
            let given = case.given.before.iter().chain(&case.given.meanwhile);
            let requests = given.chain([&case.request]);
            for request in requests {
                assert!(request.to_http(None).is_some(), "{}", case.name());
            }
        }
    }
}

/// A change of any answer shows in review. Each name stands where it comes first.
#[test]
fn the_answers_are_those_that_were_agreed_on() {
    let (mut table, mut seen) = (String::new(), HashSet::new());
    for (kind, cases) in &*KINDS {
        writeln!(table, "# a service: {kind}").unwrap();
        for case in cases {
            // ES512 is there with a feature alone.
            if !case.name().contains("es512") && seen.insert(case.name()) {
                let class = format!("{:?}", case.class());
                writeln!(table, "{class}: {}: {}", case.name(), told(case.expected())).unwrap();
            }
        }
    }
    insta::assert_snapshot!("corpus", table);
}

/// The list of algorithms is the same each time, and depends on features.
fn told(expected: &Expected) -> String {
    let told = expected.to_string();
    match told.split_once("algs=\"") {
        Some((before, rest)) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            format!("{before}algs{after}")
        }
        None => told,
    }
}
