//! Owns: rings of keys as settings give them, and their exchange when they were given as files that change.

use secrecy::ExposeSecret as _;
use shell::config::{Problem, Problems, Settings};
use shell::reload::{SecretFile, Watched};

use crate::keys::KeyRing;

const HINT: &str = "A comma list of kid:base64(32 random bytes), the first one writes. For example \
                    k1:$(openssl rand -base64 32)";

/// The file that a ring came in.
#[derive(Debug, Clone)]
pub struct RingFile {
    name: &'static str,
    file: SecretFile,
}

impl RingFile {
    /// What gives each new ring to `exchange` when the file changes; one that could not be used at the start is
    /// refused. Install the metrics recorder first.
    pub fn watched(&self, mut exchange: impl FnMut(KeyRing) + Send + 'static) -> Box<dyn Watched> {
        let name = self.name;
        self.file.watched(move |list| {
            exchange(parse(name, list).map_err(Problems::one)?);
            Ok(())
        })
    }
}

/// A key ring from the secret `name`, and the file that it came in, if any.
pub fn key_ring(
    settings: &mut Settings,
    name: &'static str,
) -> Option<(KeyRing, Option<RingFile>)> {
    let file = SecretFile::look(settings, name).map(|file| RingFile { name, file });
    let list = settings.required_secret(name, HINT)?;
    match parse(name, list.expose_secret()) {
        Ok(ring) => Some((ring, file)),
        Err(problem) => {
            settings.add(problem);
            None
        }
    }
}

fn parse(name: &str, list: &str) -> Result<KeyRing, Problem> {
    KeyRing::parse(list).map_err(|error| Problem {
        path: name.to_owned(),
        problem: error.to_string(),
        hint: HINT.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::EdgeKeys;
    use shell::reload::Trust;

    const OLD: &str = "old:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    const NEW: &str = "new:AgIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

    #[tokio::test]
    async fn t09_a_file_of_keys_that_is_not_quite_right_leaves_the_old_ones_in_use() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write(OLD);
        let path = file.path().to_str().unwrap();
        let mut settings = Settings::from_pairs([("BFF_EDGE_KEYS_FILE", path)]);
        let (ring, file) = key_ring(&mut settings, "BFF_EDGE_KEYS").unwrap();
        let keys = EdgeKeys::new(&ring);
        let mut watched = {
            let keys = keys.clone();
            file.unwrap().watched(move |ring| keys.exchange(&ring))
        };
        let mut look = async |text: &str| {
            write(text);
            assert!(watched.look(Trust::AtOnce).await, "a change is seen");
            (keys.kids(), watched.is_refused())
        };
        // An editor's line break is none of a key.
        let both = format!("{NEW},{OLD}\n");
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(look(&both).await, (names(&["new", "old"]), false));
        for broken in ["", "\n", "new", "new:short", &format!("{NEW},{NEW}"), &format!("{NEW},")] {
            assert_eq!(look(broken).await, (names(&["new", "old"]), true), "{broken}");
        }
        assert_eq!(look(NEW).await, (names(&["new"]), false));
    }

    #[test]
    fn c83_what_is_wrong_with_a_ring_is_told_by_name_and_without_a_part_of_it() {
        let problem = parse("BFF_SESSION_KEYS", "canary:c2hvcnQ=").unwrap_err();
        let told = Problems::one(problem).to_string();
        assert!(told.contains("BFF_SESSION_KEYS") && told.contains("entry 1"), "{told}");
        assert!(!told.contains("canary") && !told.contains("c2hvcnQ="), "{told}");
    }
}
