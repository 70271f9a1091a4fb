"""The rules and the dashboard of helm/wicketgate/files: promtool takes them, their own unit tests pass, and every metric, label
and runbook that they name is one that the documents have. promtool comes with tests/parts/install."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = ROOT / "helm" / "wicketgate" / "files"
RULES = FILES / "rules.yaml"
DASHBOARD = FILES / "dashboard.json"
METRICS = ROOT / "docs" / "METRICS.md"
RUNBOOKS = ROOT / "docs" / "RUNBOOKS.md"
NAME = r"(?:forwardauth|bff|traefik_forwardauth|config|tls_certificate|build_info)[a-z_]*"
# What Prometheus makes of a histogram.
SERIES_OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
OURS = re.compile(rf"\b({NAME})\b(?:\{{([^}}]*)\}})?")
# Labels that Prometheus and the scrape put there.
FROM_OUTSIDE = {"le", "instance", "job", "namespace", "pod"}


def documented(text):
    """The metrics of the tables in METRICS.md: from each name to its rows."""
    metrics = {}
    for row in text.splitlines():
        if row.startswith("| `"):
            name = row.split("`")[1]
            metrics[name] = metrics.get(name, "") + row
    return metrics


def expressions():
    """Every query: where it stands, and its text."""
    found = []
    for match in re.finditer(r"^ *expr: (?:>-\n((?: {12,}.*\n)+)|(.*)\n)", RULES.read_text(), re.MULTILINE):
        found.append(("rules.yaml", match.group(1) or match.group(2)))

    def walk(node, where):
        if isinstance(node, dict):
            where = node.get("title") or where
            for key, value in node.items():
                if key in ("expr", "definition") and isinstance(value, str):
                    found.append((f"dashboard.json: {where}", value))
                elif key == "query" and isinstance(value, str) and "(" in value:
                    found.append((f"dashboard.json: {where}", value))
                else:
                    walk(value, where)
        elif isinstance(node, list):
            for value in node:
                walk(value, where)

    walk(json.loads(DASHBOARD.read_text()), "")
    return found


def metrics_of(expression):
    """The metrics that a query names, each with the labels it selects by and their values."""
    plain = re.sub(r"wicketgate:[a-z_0-9:]+", " ", expression)
    # Words in a grouping are labels, and words in quotes are values.
    plain = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", plain)
    for match in OURS.finditer(re.sub(r'"[^"]*"', lambda text: text.group().replace("bff", "BFF"), plain)):
        labels = re.findall(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', match.group(2) or "")
        yield SERIES_OF_HISTOGRAM.sub("", match.group(1)) if "seconds" in match.group(1) or "score" in match.group(
            1
        ) else match.group(1), labels


def anchors(text):
    """The anchors of headings, as GitHub makes them."""
    return {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }


class Names(unittest.TestCase):
    def test_every_metric_is_one_that_the_programs_have(self):
        known = documented(METRICS.read_text())
        self.assertGreater(len(known), 40)
        queries = expressions()
        self.assertGreater(len(queries), 60)
        for where, query in queries:
            for name, labels in metrics_of(query):
                self.assertIn(name, known, f"{where}: {query}")
                for label, _ in labels:
                    self.assertTrue(label in FROM_OUTSIDE or f"`{label}`:" in known[name],
                                    f"{where}: {name} has no label {label} in METRICS.md")

    def test_recorded_series_are_recorded(self):
        recorded = set(re.findall(r"record: (\S+)", RULES.read_text()))
        for where, query in expressions():
            for name in re.findall(r"wicketgate:[a-z_0-9:]+", query):
                self.assertIn(name, recorded, f"{where}: {query}")

    def test_every_alert_leads_to_a_runbook_and_every_runbook_names_alerts_that_exist(self):
        there = anchors(RUNBOOKS.read_text())
        rules = RULES.read_text()
        alerts = set(re.findall(r"alert: (\w+)", rules))
        leads = re.findall(r"runbook: docs/RUNBOOKS\.md#(\S+)", rules)
        self.assertEqual(len(leads), len(re.findall(r"- alert: ", rules)))
        for anchor in leads:
            self.assertIn(anchor, there)
        for document in (RUNBOOKS, ROOT / "docs" / "SLO.md"):
            for name in re.findall(r"`(Wicketgate\w+)`", document.read_text()):
                self.assertIn(name, alerts, document.name)
        self.assertEqual(alerts, set(re.findall(r"`(Wicketgate\w+)`", (ROOT / "docs" / "SLO.md").read_text())))

    def test_every_alert_is_shown_to_fire_and_to_be_silent(self):
        cases = re.split(r"\n      - ", (ROOT / "tests" / "rules" / "rules_test.yml").read_text())
        fire = {name for case in cases if "exp_alerts" in case for name in re.findall(r"alertname: (\w+)", case)}
        silent = {name for case in cases if "exp_alerts" not in case for name in re.findall(r"alertname: (\w+)", case)}
        alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
        self.assertEqual((alerts - fire, alerts - silent), (set(), set()))

    def test_a_name_that_does_not_exist_would_be_found(self):
        self.assertEqual(
            [name for name, _ in metrics_of('sum by (reason) (rate(bff_invented_total{reason="bff_x"}[5m]))')], ["bff_invented_total"]
        )
        self.assertNotIn("bff_invented_total", documented(METRICS.read_text()))
        self.assertEqual(
            [name for name, _ in metrics_of("histogram_quantile(0.99, sum by (le) (rate(bff_refresh_wait_seconds_bucket[5m])))")],
            ["bff_refresh_wait_seconds"],
        )


class Promtool(unittest.TestCase):
    def run_promtool(self, *arguments):
        program = shutil.which("promtool")
        self.assertIsNotNone(program, "promtool is missing: tests/parts/install brings it")
        outcome = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_the_rules_are_rules(self):
        self.assertIn("SUCCESS", self.run_promtool("check", "rules", RULES))

    def test_the_rules_fire_when_they_should_and_are_silent_otherwise(self):
        self.assertIn("SUCCESS", self.run_promtool("test", "rules", ROOT / "tests" / "rules" / "rules_test.yml"))

    def test_every_query_of_the_dashboard_can_be_parsed(self):
        lines = ["groups:", "  - name: dashboard", "    rules:"]
        for number, (where, query) in enumerate(query for query in expressions() if query[0].startswith("dashboard")):
            if not query.startswith("label_values"):
                query = query.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$route", ".*").replace("$service", ".*")
                lines += [f"      - record: dashboard:{number}", f"        expr: {json.dumps(query)}"]
        file = ROOT / "target" / "dashboard-rules.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines) + "\n")
        self.assertIn("SUCCESS", self.run_promtool("check", "rules", file))


if __name__ == "__main__":
    unittest.main()
