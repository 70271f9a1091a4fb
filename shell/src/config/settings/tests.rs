use super::super::parse;
use super::*;
use std::io::Write as _;

#[test]
fn t09_all_problems_are_told_at_once_and_no_value_is() {
    let mut settings = Settings::from_pairs([
        ("PORT", "canary-port"),
        ("URL", "https://${HOST}/canary"),
        ("KEY", "canary-key"),
        ("KEY_FILE", "/canary"),
    ]);
    assert_eq!(settings.parsed("PORT", "Give a port.", parse::any::<u16>("a port")), None);
    assert_eq!(settings.text("URL"), None);
    assert!(settings.secret("KEY").is_none());
    assert_eq!(settings.required("NAME", "Give a name."), None);
    let problems = settings.finish(Some(())).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["PORT", "URL", "KEY", "NAME"]);
    assert!(!problems.to_string().contains("canary"), "{problems}");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"pa${ss\n").unwrap();
    let path = file.path().to_str().unwrap();
    let mut settings = Settings::from_pairs([("KEY_FILE", path), ("EMPTY", "")]);
    assert_eq!(settings.secret("KEY").unwrap().expose_secret(), "pa${ss");
    assert!(settings.secret("EMPTY").is_none());
    assert!(settings.finish(Some(())).is_ok());
}

#[test]
fn t09_an_empty_file_is_no_secret() {
    for content in ["", "\n", "\r\n\n"] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let mut settings = Settings::from_pairs([("KEY_FILE", file.path().to_str().unwrap())]);
        assert!(settings.required_secret("KEY", "").is_none());
        let problems = settings.finish(Some(())).unwrap_err();
        let problems: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(problems, ["KEY_FILE"]);
    }
}

#[test]
fn a_private_key_may_come_in_three_ways() {
    const PEM: &str = "-----BEGIN PRIVATE KEY-----";
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(PEM.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let mut settings = Settings::from_pairs([("A", PEM), ("B", path), ("C_FILE", path)]);
    for name in ["A", "B", "C"] {
        assert_eq!(settings.secret_pem(name).unwrap().expose_secret(), PEM, "{name}");
    }
    assert!(settings.finish(Some(())).is_ok());
}
