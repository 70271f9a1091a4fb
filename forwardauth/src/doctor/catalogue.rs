//! Owns: the list of all checks, as the documentation has it (`docs/DOCTOR.md`).

use super::finding::Check;
use super::{admin, checks};

/// All checks as Markdown: what is asked, what a bad answer means, and what to write then.
pub fn markdown() -> String {
    let mut out = String::from("## What is asked from outside\n\n");
    section(&mut out, &checks::ALL);
    out.push_str("\n## What is read of Traefik's API, with `--admin`\n\n");
    section(&mut out, &admin::checks());
    out
}

fn section(out: &mut String, checks: &[&Check]) {
    out.push_str("| check | asks | bad means |\n|---|---|---|\n");
    for Check { id, asks, why, .. } in checks {
        out.extend(["| [`", id, "`](#", id, ") | ", asks, " | ", why, " |\n"]);
    }
    for Check { id, fix, .. } in checks {
        out.extend(["\n### ", id, "\n\n```yaml\n", fix, "\n```\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_documentation_lists_what_is_asked() {
        let documented = include_str!("../../../docs/DOCTOR.md");
        let markdown = markdown();
        assert!(
            documented.ends_with(&markdown),
            "docs/DOCTOR.md does not end with what `forwardauth doctor --list` prints:\n{markdown}"
        );
    }

    #[test]
    fn each_check_has_a_name_of_its_own() {
        let all = || checks::ALL.into_iter().chain(admin::checks());
        let names: HashSet<&str> = all().map(|check| check.id).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().all(|check| !check.asks.contains('|') && !check.fix.is_empty()));
    }
}
