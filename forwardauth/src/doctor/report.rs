//! Owns: the report, as text for people and as JSON for scripts.

use serde::Serialize;

use super::finding::{Finding, Verdict};

/// What was examined, and what came of it. It holds nothing secret.
#[derive(Debug)]
pub struct Report {
    pub(super) url: String,
    pub(super) requests: u32,
    pub(super) findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Json<'a> {
    url: &'a str,
    requests: u32,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    check: &'a str,
    verdict: &'a str,
    saw: &'a str,
    why: &'a str,
    fix: &'a str,
}

impl Report {
    /// Whether something must be repaired.
    pub fn is_bad(&self) -> bool {
        self.count(Verdict::Bad) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.of(verdict).count()
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.seen.verdict == verdict)
    }

    /// For people: first what must be repaired, and how.
    pub fn text(&self) -> String {
        let Self { url, requests, .. } = self;
        let mut lines = vec![format!(
            "doctor {url}\n\nsent {requests} requests that change nothing: {} bad, {} to mind, {} unknown, {} good",
            self.count(Verdict::Bad),
            self.count(Verdict::Warn),
            self.count(Verdict::Unknown),
            self.count(Verdict::Good),
        )];
        for (verdict, title) in [(Verdict::Bad, "bad"), (Verdict::Warn, "mind")] {
            lines.extend(self.heading(verdict, title));
            for Finding { check, seen } in self.of(verdict) {
                lines.push(format!(
                    "  {}\n      saw  {}\n      why  {}",
                    check.id, seen.what, check.why
                ));
                let fix = check.fix.lines().map(|line| format!("           {line}"));
                lines.push(format!("      fix\n{}", fix.collect::<Vec<_>>().join("\n")));
            }
        }
        for (verdict, title) in [(Verdict::Unknown, "unknown"), (Verdict::Good, "good")] {
            lines.extend(self.heading(verdict, title));
            let rows = self.of(verdict);
            lines.extend(
                rows.map(|Finding { check, seen }| format!("  {:<28}{}", check.id, seen.what)),
            );
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn heading(&self, verdict: Verdict, title: &str) -> Option<String> {
        (self.count(verdict) > 0).then(|| format!("\n{title}"))
    }

    /// For scripts: one object, the worst first.
    ///
    /// # Errors
    /// None that is known: every field is text or a number.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.seen.verdict);
        let rows = findings.into_iter().map(|Finding { check, seen }| Row {
            check: check.id,
            verdict: seen.verdict.as_str(),
            saw: &seen.what,
            why: check.why,
            fix: check.fix,
        });
        let Self { url, requests, .. } = self;
        let report = Json { url, requests: *requests, findings: rows.collect() };
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }
}
