//! Owns: `DATABASE_URL`, the database in which sessions outlive Redis.

use std::time::Duration;

use session::postgres::PostgresOptions;
use session::settings::StoreSettings;
use shell::config::Settings;

use crate::sessions::keep_for;

/// Longest wait for one statement. Nobody waits for a database that is known to be away.
const TIMEOUT: Duration = Duration::from_secs(1);

const NAME: &str = "DATABASE_URL";
const HINT: &str =
    "For example postgres://user:password@postgres:5432/wicketgate?sslmode=verify-full";

/// Reads it; `longest` is the longest life of a session, in seconds. `None` where it is not set, or is no good, which
/// is noted in `settings`.
pub(super) fn read(
    settings: &mut Settings,
    store: Option<&StoreSettings>,
    longest: u64,
) -> Option<PostgresOptions> {
    let url = settings.secret(NAME)?;
    // Nobody ends a session later than when it would have ended anyway.
    let options = PostgresOptions { url, command_timeout: TIMEOUT, keep_ended: keep_for(longest) };
    if let Err(error) = options.check() {
        settings.problem(NAME, &error.to_string(), HINT);
        return None;
    }
    if matches!(store, Some(StoreSettings::Memory)) {
        let problem = "needs a Redis, beside which sessions are kept";
        settings.problem(NAME, problem, "Set REDIS_URL, or remove it.");
        return None;
    }
    if options.is_open_to_others() {
        settings.warn(
            NAME,
            "does not ask for sslmode=verify-full: whoever is in between can read its password and change sessions",
            "Add sslmode=verify-full, and sslrootcert for an authority of your own.",
        );
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str, redis: &str) -> (Vec<String>, Vec<String>) {
        let mut settings = Settings::from_pairs([("DATABASE_URL", url), ("REDIS_URL", redis)]);
        let store = StoreSettings::read(&mut settings, Duration::from_secs(1));
        let read = read(&mut settings, store.as_ref(), 60);
        match settings.finish(read) {
            Ok((_, warnings)) => {
                (Vec::new(), warnings.into_iter().map(|warning| warning.path).collect())
            }
            Err(problems) => (problems.iter().map(ToString::to_string).collect(), Vec::new()),
        }
    }

    #[test]
    fn t09_a_database_that_cannot_be_used_is_refused_by_name_and_its_password_not_told() {
        const REDIS: &str = "redis://127.0.0.1";
        for url in ["canary", "mysql://u:canary@db/x", "postgres://u:canary@db:port/x"] {
            let (problems, _) = told(url, REDIS);
            assert_eq!(problems.len(), 1, "{url}");
            assert!(problems[0].contains("DATABASE_URL") && !problems[0].contains("canary"));
        }
        let (problems, _) = told("postgres://u:canary@db/x", "memory://");
        assert!(problems[0].contains("needs a Redis"), "{problems:?}");
    }

    #[test]
    fn t09_a_database_that_others_could_read_along_with_is_warned_of() {
        const REDIS: &str = "rediss://u:p@redis";
        let warned = |url| told(url, REDIS).1;
        assert_eq!(warned("postgres://u:p@db/x"), ["DATABASE_URL"]);
        assert_eq!(warned("postgres://u:p@db/x?sslmode=require"), ["DATABASE_URL"]);
        assert_eq!(warned("postgres://u:p@db/x?sslmode=verify-full"), [""; 0]);
        assert_eq!(warned("postgres://u:p@127.0.0.1/x"), [""; 0]);
    }
}
