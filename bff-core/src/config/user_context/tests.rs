use shell::config::{Settings, yaml};

use super::*;

fn read(text: &str) -> (ContextSettings, String) {
    let mut settings = Settings::from_pairs::<&str, &str>([]);
    let file = match yaml::parse::<ContextFile>("bff.yaml", text, &settings) {
        Ok(file) => Some(file),
        Err(problem) => {
            settings.add(problem);
            None
        }
    };
    let context = ContextSettings::read(file, &mut settings);
    match settings.finish(Some(context)) {
        Ok((context, _)) => (context, String::new()),
        Err(problems) => (ContextSettings::default(), problems.to_string()),
    }
}

#[test]
fn a_value_is_found_by_its_name_or_within_another() {
    let (context, problems) = read(
        "sources:\n\
         - { kind: claims, map: { email: email } }\n\
         - { kind: http, name: accounts, url: \"http://a/{user_id}\", token: session, timeout: 500ms, map: { accounts: items, home.city: city } }\n\
         browser: [email]\n",
    );
    assert_eq!(problems, "");
    assert_eq!((context.refresh, context.max_bytes), (900, 16_384));
    let place = |name: &str| {
        let place = context.place(name)?;
        Some((place.source.name.clone(), place.name.to_owned(), place.rest))
    };
    let within = |name: &str, rest: &str| {
        Some(("accounts".to_owned(), name.to_owned(), JsonPath::exact(rest)))
    };
    assert_eq!(place("email"), Some(("claims".to_owned(), "email".to_owned(), None)));
    assert_eq!(place("accounts.0.id"), within("accounts", "0.id"));
    assert_eq!(place("home.city").map(|(_, name, _)| name), Some("home.city".to_owned()));
    for unknown in ["", "home", "emails", "email.", "accountsx", "city"] {
        assert_eq!(place(unknown), None, "{unknown}");
    }
}

#[test]
fn t09_a_user_context_that_is_not_quite_right_is_refused() {
    let report: String = [
        "sources: []",
        "refresh: 15\nmax_bytes: 16KiB\nunknown: 1",
        "refresh: soon\nmax_bytes: 1GiB\nsources: [{ kind: claims, map: { a: a } }]",
        "sources: [{ kind: claims, map: {} }]",
        "sources: [{ kind: claims, url: 'http://a', timeout: 1s, map: { a: a } }]",
        "sources: [{ kind: userinfo, timeout: 1m, map: { a: a } }]",
        "sources: [{ kind: http, map: { a: 'items.*' } }]",
        "sources: [{ kind: http, name: 'a b', url: 'http://{user_id}/', map: { a: a } }]",
        "sources: [{ kind: userinfo, map: { a: a } }, { kind: userinfo, map: { b: b } }]",
        "sources: [{ kind: userinfo, map: { a: a, a.b: b } }, { kind: claims, map: { a: a } }]",
        "sources: [{ kind: claims, map: { a: a } }]\nbrowser: [b]",
    ]
    .iter()
    .map(|text| format!("{text}\n{}\n", read(text).1))
    .collect();
    insta::assert_snapshot!(report);
}
