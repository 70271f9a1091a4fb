"""What the documents name is there: tests, links with their anchors, files, settings."""

import pathlib
import re
import unittest

import index_test

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = [
    *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "migrate").glob("*.md"), *(ROOT / "traefik").glob("*.md"), ROOT / "tests" / "README.md", ROOT / "benches" / "README.md", ROOT / "fuzz" / "README.md",
    *(ROOT / "examples").glob("*/README.md"), *(ROOT / "clients").glob("*/README.md"),
]
# Those that are made for operators; every setting that they name has a row in CONFIGURATION.md.
OPERATORS = ["README.md", "SECURITY.md", "docs/ADMIN.md", "docs/CAPACITY.md", "docs/GO-LIVE.md", "docs/LOGGING.md", "docs/RELIABILITY.md",
             "docs/RUNBOOKS.md", "docs/SLO.md", "docs/UPGRADES.md",
             *(f"docs/migrate/{path.name}" for path in (ROOT / "docs" / "migrate").glob("*.md"))]
SETTING = r"(?:BFF|FORWARDAUTH|OIDC|REDIS|SESSION|ENABLE|TOKEN)_[A-Z0-9_]*[A-Z0-9]"


def functions():
    """The names of all functions, tests among them, those too that a macro makes."""
    scripts = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    made = index_test.tests_in(sources(), index_test.makers(sources()))
    return set(re.findall(r"\bfn (\w+)", sources())) | set(re.findall(r"\bdef (\w+)", scripts)) | set(made)


def sources():
    return "\n".join(
        path.read_text() for folder in ("forwardauth", "bff-core", "session", "shell", "validator-lib", "demo", "tests", "benches", "fuzz", "examples")
        for path in (ROOT / folder).rglob("*.rs") if "target" not in path.parts
    )


def anchors(text):
    """The anchors of headings, as GitHub makes them: the second of a name is `name-1`."""
    found = {}
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif re.match(r"#{1,6} ", line) and not fenced:
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).lower()
            name = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            found[name] = found.get(name, -1) + 1
    return {name if number == 0 else f"{name}-{number}" for name, most in found.items() for number in range(most + 1)}


def prose(text):
    """Without fenced code."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


class Documents(unittest.TestCase):
    maxDiff = None

    def test_every_test_that_is_named_exists(self):
        known = functions()
        missing = []
        for document in DOCUMENTS:
            for name in re.findall(r"`([ct]\d\d_\w+|[a-z][a-z0-9]*(?:_[a-z0-9]+){4,})`", document.read_text()):
                other = name.endswith(("_total", "_count", "_bucket", "_seconds", "_score", "_client_auth"))
                if name not in known and not other:
                    missing.append(f"{document.relative_to(ROOT)}: {name}")
        self.assertEqual(missing, [])

    def test_every_class_of_attack_has_tests_that_exist(self):
        tests = set(re.findall(r"\bfn (\w+)", sources()))
        rows = re.findall(r"^\| T(\d+) \|.*\|(.*)\|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
        self.assertEqual([int(number) for number, _ in rows], list(range(1, 21)))
        for number, names in rows:
            names = re.findall(r"`(\w+)`", names)
            self.assertGreaterEqual(len(names), 2, f"T{number}")
            for name in names:
                self.assertIn(name, tests, f"T{number}")
                self.assertRegex(name, rf"(^|_)(t{int(number):02}_|t08_)", f"T{number}")

    def test_every_link_leads_somewhere(self):
        missing = []
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)\s]+)\)", prose(document.read_text())):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                file = (document.parent / path).resolve() if path else document
                if not file.exists():
                    missing.append(f"{document.relative_to(ROOT)}: {target}")
                elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                    missing.append(f"{document.relative_to(ROOT)}: {target}")
        self.assertEqual(missing, [])

    def test_every_setting_that_operators_are_told_of_is_documented(self):
        configuration = (ROOT / "docs" / "CONFIGURATION.md").read_text()
        known = set(re.findall(SETTING, configuration))
        missing = []
        for document in OPERATORS:
            for name in set(re.findall(rf"`({SETTING})(?:=[^`]*)?`", (ROOT / document).read_text())):
                if not {name, name.removesuffix("_FILE")} & known:
                    missing.append(f"{document}: {name}")
        self.assertEqual(missing, [])

    def test_a_name_that_does_not_exist_would_be_found(self):
        self.assertNotIn("t01_this_test_was_never_" + "written", functions())
        self.assertEqual(anchors("# A `b`, c\n## A b c\n```\n# no\n```\n"), {"a-b-c", "a-b-c-1"})


if __name__ == "__main__":
    unittest.main()
