use super::*;
use shell::config::yaml;

fn given() -> Given {
    Given {
        default: HandOn::Nothing,
        access: true,
        context: true,
        audience: false,
        bearer: BearerIssuers::default(),
    }
}

fn read(text: &str, given: &Given) -> Result<Policies, String> {
    let mut settings = Settings::from_pairs([("ROLE", "ADMIN")]);
    let read = match yaml::parse("forwardauth.yaml", text, &settings) {
        Ok(file) => Some(policies(file, given, &mut settings)),
        Err(problem) => {
            settings.add(problem);
            None
        }
    };
    settings.finish(read).map(|(policies, _)| policies).map_err(|problems| problems.to_string())
}

fn strings<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).into()
}

#[test]
fn every_key_is_read() {
    let policies = read(
        r#"
        description: who may go where
        policies:
          all:
            description: everything that a policy may ask
            scopes: { all: [openid], any: ["orders:read", "orders:write"] }
            roles: { any: ["${ROLE}", "Vertrieb, Süd"] }
            groups: { all: [staff] }
            tenant: t1
            acr: [urn:mfa, urn:hwk]
            max_age: 5m
            email_domains: [Example.com]
            authorization: access
            headers: { Remote-User: preferred_username, X-Groups: groups }
          one: { acr: urn:mfa, max_age: 90 }
          open: {}
        "#,
        &given(),
    );
    let policies = policies.unwrap();
    let all = policies.get("all").unwrap();
    assert_eq!(
        all.requirements,
        Requirements {
            scopes: strings(["openid"]),
            any_scope: strings(["orders:read", "orders:write"]),
            any_role: strings(["ADMIN", "Vertrieb%2C%20S%C3%BCd"]),
            groups: strings(["staff"]),
            tenant: Some("t1".to_owned()),
            acr: strings(["urn:mfa", "urn:hwk"]),
            max_age: Some(300),
            email_domains: strings(["example.com"]),
            ..Requirements::default()
        }
    );
    let headers = all.headers.iter().map(|header| (header.name.as_str(), header.claim.as_str()));
    let expected = [("remote-user", "preferred_username"), ("x-groups", "groups")];
    assert_eq!(headers.collect::<Vec<_>>(), expected);
    assert_eq!(all.hand_on, HandOn::AccessToken);
    let one = policies.get("one").unwrap();
    assert_eq!(
        one.requirements,
        Requirements { acr: strings(["urn:mfa"]), max_age: Some(90), ..Requirements::default() }
    );
    assert_eq!(policies.get("open").unwrap().requirements, Requirements::default());
    assert!(policies.get("closed").is_none());
}

#[test]
fn what_is_handed_on_is_the_setting_s_where_a_policy_does_not_say() {
    let text = "policies: { a: {}, b: { authorization: none } }";
    let given = Given { default: HandOn::AccessToken, ..given() };
    let policies = read(text, &given).unwrap();
    assert_eq!(policies.get("a").unwrap().hand_on, HandOn::AccessToken);
    assert_eq!(policies.get("b").unwrap().hand_on, HandOn::Nothing);
}

#[test]
fn a_context_token_is_for_whom_the_policy_names_or_else_the_setting() {
    let text = "policies: { a: { authorization: context, aud: 'https://a.internal' }, b: { authorization: \
                context } }";
    let policies = read(text, &Given { audience: true, ..given() }).unwrap();
    let a = policies.get("a").unwrap();
    assert_eq!(
        (a.hand_on, a.audience.as_deref()),
        (HandOn::ContextToken, Some("https://a.internal"))
    );
    assert_eq!(policies.get("b").unwrap().audience, None);
    assert!(read(text, &given()).unwrap_err().contains("policy b: aud"));
}

#[test]
fn t09_every_problem_of_the_file_is_told_at_once_and_no_value_is() {
    let problems = read(
        r#"
        policies:
          "ca nary": {}
          lists: { scopes: {}, roles: { any: [] }, groups: { all: [""] }, acr: [] }
          texts: { scopes: { any: ["canary canary"] }, tenant: "canary canary", acr: "a\"canary" }
          ages: { max_age: 0 }
          fractions: { max_age: canary }
          access: { authorization: access }
          domains: { email_domains: ["@canary.example", ".example"] }
          headers: { headers: { Authorization: email, X_User_ID: email, Remote-User: "", remote-user: a, REMOTE-USER: b } }
          context: { authorization: context, bearer: [canary] }
          unused: { aud: "https://canary" }
          long: { authorization: context, aud: "" }
        "#,
        &Given { access: false, context: false, ..given() },
    );
    let problems = problems.unwrap_err();
    assert!(!problems.contains("canary"), "{problems}");
    insta::assert_snapshot!(problems);
}

#[test]
fn t09_a_file_of_another_shape_is_refused() {
    for text in [
        "policies: { a: { role: { any: [x] } } }",
        "policies: { a: { roles: [x] } }",
        "policies: { a: {}, a: {} }",
        "policies: { a: { authorization: all } }",
        "policies: { a: { max_age: -1 } }",
        "policies: [a]",
        "policy: { a: {} }",
        "a: {}",
        "[",
    ] {
        assert!(read(text, &given()).is_err(), "{text}");
    }
}

#[test]
fn t04_no_header_of_another_meaning_may_be_mapped() {
    for name in [
        "Authorization",
        "COOKIE",
        "host",
        "Set-Cookie",
        "Content-Length",
        "Connection",
        "TE",
        "X-User-ID",
        "X-Tenant-Id",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "Forwarded",
        "Sec-Fetch-Site",
        "X_User_ID",
        "Remote.User",
        "",
        "a b",
        "X-Original-URL",
        "Transfer-Encoding",
        "X-Wicket-Signature",
        "Proxy-Authorization",
        "X-HTTP-Method-Override",
    ] {
        assert!(headers::mapped(name, "email").is_err(), "{name}");
    }
    for name in [
        "Remote-User",
        "Remote-Email",
        "Remote-Groups",
        "Remote-Name",
        "X-Auth-Request-Email",
        "X-Auth-Request-User",
        "X-Auth-Request-Preferred-Username",
        "X-Auth-Request-Groups",
        "X-Forwarded-User",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Preferred-Username",
        "X-WEBAUTH-USER",
        "Tailscale-User-Login",
    ] {
        assert!(headers::mapped(name, "email").is_ok(), "{name}");
    }
    assert!(headers::mapped("Remote-User", "").is_err());
}

#[test]
fn headers_may_name_the_claim_or_the_header_first() {
    for (entry, expected) in [
        ("Remote-User: preferred_username", ("remote-user", "preferred_username")),
        ("preferred_username: Remote-User", ("remote-user", "preferred_username")),
        ("email: X-User-Email", ("x-user-email", "email")),
        ("roles: Roles", ("roles", "roles")),
        ("department: X-Department", ("x-department", "department")),
        ("X-Department: department", ("x-department", "department")),
        ("Department: our-department", ("department", "our-department")),
        ("cost_centre: X-Cost-Centre", ("x-cost-centre", "cost_centre")),
    ] {
        let file = format!("policies: {{ a: {{ headers: {{ {entry} }} }} }}");
        let policies = read(&file, &given()).unwrap();
        let header = &policies.get("a").unwrap().headers[0];
        assert_eq!((header.name.as_str(), header.claim.as_str()), expected, "{entry}");
    }
}

#[test]
fn a_plain_list_of_groups_is_one_of_which_one_is_enough() {
    let [list, needs] = ["[staff, on call]", "{ any: [staff, on call] }"].map(|groups| {
        let file = format!("policies: {{ a: {{ groups: {groups} }} }}");
        read(&file, &given()).unwrap().get("a").unwrap().requirements.any_group.clone()
    });
    assert_eq!(list, ["staff", "on%20call"]);
    assert_eq!(list, needs);
    assert!(read("policies: { a: { groups: staff } }", &given()).is_err());
    assert!(read("policies: { a: { groups: { none: [staff] } } }", &given()).is_err());
}
