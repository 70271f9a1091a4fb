//! Owns: what of a user agent stays the same when it updates itself.

/// The stable part of a user agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Agent<'a> {
    pub(super) family: &'a str,
    pub(super) platform: &'static str,
}

/// Product tokens by family, the more special first: Edge and Opera also call themselves Chrome,
/// Chrome calls itself Safari.
const FAMILIES: [(&str, &str); 12] = [
    ("Edg", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("YaBrowser/", "yandex"),
    ("Vivaldi/", "vivaldi"),
    ("FxiOS/", "firefox"),
    ("Firefox/", "firefox"),
    ("CriOS/", "chrome"),
    ("HeadlessChrome/", "chrome"),
    ("Chrome/", "chrome"),
    ("Version/", "safari"),
    ("Safari/", "safari"),
];

const PLATFORMS: [(&str, &str); 8] = [
    ("Windows", "windows"),
    ("iPhone", "ios"),
    ("iPad", "ios"),
    ("Android", "android"),
    ("CrOS", "chromeos"),
    ("Macintosh", "macos"),
    ("Mac OS X", "macos"),
    ("Linux", "linux"),
];

impl<'a> Agent<'a> {
    pub(super) fn of(value: &'a [u8]) -> Self {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let named = |table: &[(&str, &'static str)]| {
            table.iter().find(|(token, _)| text.contains(token)).map(|(_, name)| *name)
        };
        // What is no browser is known by its first product token, without the version.
        let product = || text.split(['/', ' ']).next().unwrap_or_default();
        Agent {
            family: named(&FAMILIES).unwrap_or_else(product),
            platform: named(&PLATFORMS).unwrap_or(""),
        }
    }
}
