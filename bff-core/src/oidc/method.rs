//! Owns: a way to sign in that the operator has a name for, and what it is in parameters of the provider.
//!
//! A page says `method=magic_link` and knows nothing of the provider. What it may say besides is a list of the
//! operator's, and no parameter of the protocol is ever on it.

use std::collections::BTreeMap;

use super::error::OidcError;
use super::login::{LoginHints, prompt, text};

/// Stands for the `login_hint` that the browser gave.
const TYPED: &str = "{login_hint}";

/// What neither a method nor a browser may say: the protocol's own, what a method has a key for, and what
/// `/auth/login` takes.
const RESERVED: [&str; 33] = [
    "acr_values",
    "authorization_details",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "idp",
    "iss",
    "login_hint",
    "max_age",
    "method",
    "moved",
    "nonce",
    "prompt",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "retry",
    "return_to",
    "returned",
    "scope",
    "state",
    "ui_locales",
];

/// Most further parameters of either kind.
const MOST: usize = 16;
/// Longest name of one.
const LONGEST: usize = 40;

/// What a method is at the provider. Its values go before those that the browser asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginMethod {
    /// The provider, by its name in `idps.yaml`; whichever the login asks for without one.
    pub idp: Option<String>,
    /// `acr_values`, of which the ID token must then have one.
    pub acr_values: Option<String>,
    /// `prompt`.
    pub prompt: Option<String>,
    /// `login_hint`; `{login_hint}` in it is what the browser gave, without which nothing is sent.
    pub login_hint: Option<String>,
    /// Further parameters. `{login_hint}` may stand in their values too.
    pub parameters: BTreeMap<String, String>,
    /// Names of further parameters that the browser may give.
    pub accept: Vec<String>,
}

impl LoginMethod {
    /// What is wrong with it: the key, and why.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let is_text = |value: &String| text("value", value).is_ok();
        if !self.acr_values.iter().all(is_text) {
            problems.push(("acr_values", "is empty, too long or holds control characters"));
        }
        if !self.login_hint.iter().all(is_text) {
            problems.push(("login_hint", "is empty, too long or holds control characters"));
        }
        if self.prompt.as_deref().is_some_and(|value| prompt(value).is_err()) {
            problems.push(("prompt", "is not a prompt of OpenID Connect"));
        }
        if !self.parameters.values().all(is_text) {
            problems.push(("parameters", "holds a value that is empty, too long or not text"));
        }
        let lists = [
            ("parameters", self.parameters.keys().collect::<Vec<_>>()),
            ("accept", self.accept.iter().collect()),
        ];
        for (key, names) in lists {
            if !names.iter().all(|name| is_name(name)) {
                problems.push((key, "holds something that is no name of a parameter"));
            }
            if names.iter().any(|name| RESERVED.contains(&name.as_str())) {
                problems
                    .push((key, "holds a parameter of the protocol, or one with a key of its own"));
            }
            if names.len() > MOST {
                problems.push((key, "is longer than 16"));
            }
        }
        if self.accept.iter().any(|name| self.parameters.contains_key(name)) {
            problems.push(("accept", "holds a name that parameters has a value for"));
        }
        problems
    }
}

impl LoginHints {
    /// These, as `method` has it; `query` is where the browser gave what the method accepts.
    ///
    /// # Errors
    /// [`OidcError::Hint`] when an accepted parameter is there twice, empty, too long, or holds control
    /// characters.
    pub fn by(mut self, method: &LoginMethod, query: &str) -> Result<Self, OidcError> {
        let typed = self.login_hint.take();
        self.login_hint = match &method.login_hint {
            Some(template) => filled(template, typed.as_deref()),
            None => typed.clone(),
        };
        self.acr_values = method.acr_values.clone().or(self.acr_values);
        self.prompt = method.prompt.clone().or(self.prompt);
        for (name, template) in &method.parameters {
            let value = filled(template, typed.as_deref());
            self.further.extend(value.map(|value| (name.clone(), value)));
        }
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if !method.accept.iter().any(|accepted| *accepted == name) {
                continue;
            }
            if self.further.iter().any(|(known, _)| *known == name) {
                return Err(OidcError::Hint("accepted"));
            }
            self.further.push((name.into_owned(), text("accepted", &value)?));
        }
        Ok(self)
    }
}

fn filled(template: &str, typed: Option<&str>) -> Option<String> {
    if template.contains(TYPED) {
        return typed.map(|typed| template.replace(TYPED, typed));
    }
    Some(template.to_owned())
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn magic_link() -> LoginMethod {
        LoginMethod {
            acr_values: Some("urn:link".to_owned()),
            prompt: Some("login".to_owned()),
            login_hint: Some("email:{login_hint}".to_owned()),
            parameters: [("connection", "email"), ("to", "{login_hint}")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            accept: vec!["brand".to_owned()],
            ..LoginMethod::default()
        }
    }

    fn sent(query: &str) -> Result<Vec<(String, String)>, OidcError> {
        let hints = LoginHints::from_query(query).unwrap().by(&magic_link(), query)?;
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        Ok(hints.parameters().into_iter().map(own).chain(hints.further.iter().cloned()).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn c22_a_method_becomes_the_providers_parameters_and_goes_before_what_the_browser_asks() {
        let query = "login_hint=a%40b.example&acr_values=weak&prompt=none&ui_locales=de&brand=shop\
                     &connection=evil&scope=admin&client_id=evil&other=x";
        let expected = pairs(&[
            ("prompt", "login"),
            ("login_hint", "email:a@b.example"),
            ("ui_locales", "de"),
            ("acr_values", "urn:link"),
            ("connection", "email"),
            ("to", "a@b.example"),
            ("brand", "shop"),
        ]);
        assert_eq!(sent(query).unwrap(), expected);
        // Nothing is sent half filled.
        let expected =
            pairs(&[("prompt", "login"), ("acr_values", "urn:link"), ("connection", "email")]);
        assert_eq!(sent("").unwrap(), expected);
    }

    #[test]
    fn c22_an_accepted_parameter_is_text_and_there_once() {
        for query in
            ["brand=a&brand=b", "brand=", "brand=a%0ab", &format!("brand={}", "x".repeat(321))]
        {
            assert!(matches!(sent(query), Err(OidcError::Hint("accepted"))), "{query}");
        }
    }

    #[test]
    fn c22_a_method_that_could_speak_the_protocol_is_refused() {
        assert_eq!(magic_link().problems(), []);
        for name in RESERVED.into_iter().chain(["", "a b", "a&b", "ä", &"x".repeat(41)]) {
            let named = LoginMethod { accept: vec![name.to_owned()], ..magic_link() };
            assert_ne!(named.problems(), [], "{name}");
            let parameters = [(name.to_owned(), "x".to_owned())].into();
            let fixed = LoginMethod { parameters, ..magic_link() };
            assert_ne!(fixed.problems(), [], "{name}");
        }
        let empty = || Some(String::new());
        for wrong in [
            LoginMethod { accept: vec!["connection".to_owned()], ..magic_link() },
            LoginMethod { accept: (0..17).map(|n| format!("p{n}")).collect(), ..magic_link() },
            LoginMethod { acr_values: empty(), ..magic_link() },
            LoginMethod { login_hint: Some("a\nb".to_owned()), ..magic_link() },
            LoginMethod { prompt: Some("maybe".to_owned()), ..magic_link() },
            LoginMethod { parameters: [("a".to_owned(), String::new())].into(), ..magic_link() },
        ] {
            assert_eq!(wrong.problems().len(), 1, "{wrong:?}");
        }
    }
}
