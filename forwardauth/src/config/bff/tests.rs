use shell::config::Warning;

use super::*;

const URL: (&str, &str) = ("FORWARDAUTH_BFF_URL", "http://127.0.0.1:9000");
const TOKEN: (&str, &str) = ("BFF_INTERNAL_TOKEN", "canary-internal-token");
const ACCESS: (&str, &str) = ("FORWARDAUTH_AUTHORIZATION", "access");

fn read(pairs: &[(&str, &str)]) -> Result<(Option<BffSettings>, Vec<Warning>), String> {
    let mut settings = Settings::from_pairs(pairs.iter().copied());
    let hand_on = hand_on(&mut settings);
    let bff = super::read(&mut settings, NonZeroUsize::new(4).unwrap(), hand_on);
    settings.finish(Some(bff)).map_err(|problems| problems.to_string())
}

#[test]
fn nobody_is_asked_unless_somebody_is_named() {
    assert!(read(&[]).unwrap().0.is_none());
    assert!(read(&[TOKEN, ("FORWARDAUTH_AUTHORIZATION", "none")]).unwrap().0.is_none());
}

#[test]
fn the_bff_is_named_by_its_listener() {
    for url in ["http://127.0.0.1:9000", "http://127.0.0.1:9000/"] {
        let (bff, warnings) = read(&[("FORWARDAUTH_BFF_URL", url), TOKEN]).unwrap();
        let bff = bff.unwrap();
        assert_eq!(bff.endpoint.to_string(), "http://127.0.0.1:9000/internal/refresh");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let (bff, _) = read(&[URL, TOKEN, ACCESS, ("FORWARDAUTH_REFRESH_WAIT_MS", "250")]).unwrap();
    let expected =
        AccessSettings { wait: Duration::from_millis(250), kept_bytes: 16 * 1024 * 1024 };
    assert_eq!(bff.unwrap().access, expected);
}

#[test]
fn t09_what_would_not_work_is_refused() {
    for (pairs, said) in [
        (vec![ACCESS], "FORWARDAUTH_AUTHORIZATION: asks for access tokens"),
        (vec![ACCESS, TOKEN], "FORWARDAUTH_AUTHORIZATION: asks for access tokens"),
        (vec![URL], "BFF_INTERNAL_TOKEN: is required"),
        (vec![URL, ("BFF_INTERNAL_TOKEN", " ")], "BFF_INTERNAL_TOKEN: is empty"),
        (vec![URL, ("BFF_INTERNAL_TOKEN", "a\nb")], "BFF_INTERNAL_TOKEN: holds what no header"),
        (vec![("FORWARDAUTH_AUTHORIZATION", "all")], "FORWARDAUTH_AUTHORIZATION: is not a kind"),
        (vec![URL, TOKEN, ("FORWARDAUTH_REFRESH_WAIT_MS", "9")], "FORWARDAUTH_REFRESH_WAIT_MS"),
        (vec![URL, TOKEN, ("FORWARDAUTH_BFF_CA", "-----BEGIN X-----")], "FORWARDAUTH_BFF_CA"),
        (vec![TOKEN, ("FORWARDAUTH_BFF_URL", "https://bff:9000/admin")], "FORWARDAUTH_BFF_URL"),
        (vec![TOKEN, ("FORWARDAUTH_BFF_URL", "https://a:b@bff:9000")], "FORWARDAUTH_BFF_URL"),
        (vec![TOKEN, ("FORWARDAUTH_BFF_URL", "unix:///run/bff")], "FORWARDAUTH_BFF_URL"),
    ] {
        let problems = read(&pairs).unwrap_err();
        assert!(problems.starts_with(said), "{pairs:?}: {problems}");
        assert!(!problems.contains("canary"), "{problems}");
    }
}

#[test]
fn plain_http_to_another_host_is_warned_of() {
    let (bff, warnings) = read(&[("FORWARDAUTH_BFF_URL", "http://bff:9000"), TOKEN]).unwrap();
    assert!(bff.is_some());
    assert!(warnings.iter().any(|warning| warning.warning.contains("plain http")), "{warnings:?}");
}

#[test]
fn t18_the_credential_is_not_printed() {
    let (bff, _) = read(&[URL, TOKEN, ACCESS]).unwrap();
    let bff = bff.unwrap();
    let told = format!("{bff:?} {:?} {:?}", bff.credential, bff.credential.value());
    assert!(!told.contains("canary"), "{told}");
}

#[tokio::test]
async fn a_token_in_a_file_is_exchanged_for_all_who_show_it_and_a_broken_one_is_not() {
    use shell::reload::Trust;

    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |text: &str| std::fs::write(file.path(), text).unwrap();
    write("one\n");
    let path = file.path().to_str().unwrap();
    let (bff, _) = read(&[URL, ("BFF_INTERNAL_TOKEN_FILE", path)]).unwrap();
    let credential = bff.unwrap().credential;
    let (mut watched, held) = (credential.watched().unwrap(), credential.clone());
    assert_eq!(held.value(), "Bearer one");
    for (text, shown) in [("two\n", "Bearer two"), ("\n", "Bearer two"), ("a\nb", "Bearer two")] {
        write(text);
        assert!(watched.look(Trust::AtOnce).await);
        assert_eq!((held.value(), watched.is_refused()), (shown.parse().unwrap(), text != "two\n"));
    }
    let (bff, _) = read(&[URL, TOKEN]).unwrap();
    assert!(bff.unwrap().credential.watched().is_none(), "a variable does not change");
}
