//! Owns: what one request may cost, and saying where it costs more.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// The greatest allowed figures, by kind of request as in the report.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// Instructions without hashing, as a multiple of bare hyper's.
    pub(crate) instructions_over_bare: BTreeMap<String, f64>,
    /// Allocations beyond bare hyper's.
    pub(crate) allocations_beyond_bare: BTreeMap<String, f64>,
    /// Instructions of a proxied request without hashing, as a multiple of the bare proxy's.
    pub(crate) proxy_over_bare: BTreeMap<String, f64>,
    /// Instructions of a check by validator-lib beyond its yardstick, by group of `bench validator`.
    pub(crate) validator_instructions: BTreeMap<String, f64>,
    /// Allocations beyond the yardstick's, likewise.
    pub(crate) validator_allocations: BTreeMap<String, f64>,
    /// System calls, by kind of request and number of connections: `strict/64`.
    pub(crate) syscalls: BTreeMap<String, f64>,
    /// Of them, calls with which threads wake each other.
    pub(crate) wakes: f64,
}

impl Budget {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("no budget at {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no budget", path.display()))
    }
}

/// What to say of `found` where it is over what `limits` has for `name`.
pub(crate) fn exceeded(
    what: &str,
    name: &str,
    found: f64,
    limits: &BTreeMap<String, f64>,
) -> Option<String> {
    let limit = *limits.get(name)?;
    (found > limit).then(|| format!("{name}: {what}: {found:.2}, at most {limit:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_over_its_limit_is_told() {
        let limits = BTreeMap::from([("strict".to_owned(), 1.5)]);
        assert_eq!(exceeded("ratio", "strict", 1.5, &limits), None);
        assert_eq!(exceeded("ratio", "other", 9.0, &limits), None);
        let told = exceeded("ratio", "strict", 1.51, &limits).unwrap();
        assert_eq!(told, "strict: ratio: 1.51, at most 1.50");
    }

    #[test]
    fn the_committed_budget_can_be_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("budget.json");
        let budget = Budget::read(&path).unwrap();
        assert!(budget.instructions_over_bare.contains_key("strict"));
    }
}
