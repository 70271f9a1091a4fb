"""docs/PROOF.md, the index from rows to tests: every row is there, and what it names is a test that runs."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "PROOF.md"
CRATES = ("forwardauth", "bff-core", "session", "shell", "validator-lib", "demo", "tests", "benches", "fuzz", "examples")

ROWS = {f"t{number:02}" for number in range(1, 21)} | {f"c{number:02}" for number in range(1, 87)}
# What Traefik does, or fails to do, is a part of these. As the head of the index says.
OF_TRAEFIK = {f"t{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 15, 17, 18)} | {
    f"c{number:02}" for number in (36, 44, 59, 62, 65, 68, 79, 80)
}

# A run of attributes, of one line or of several, with nothing but blank lines between.
ATTRIBUTES = r"(?P<attributes>(?:^[ \t]*(?:#\[[^\n]*\]|#\[[^\n]*\(\n(?:[^\n]*\n)*?[ \t]*\)\])?[ \t]*\n)*)"
FUNCTION = re.compile(ATTRIBUTES + r"^[ \t]*(?:pub(?:\([^)]*\))? )?(?:async )?fn (?P<name>\w+)\b", re.MULTILINE)
IS_TEST = re.compile(r"#\[(?:[\w:]+::)?test\b")
NUMBERED = re.compile(r"((?:[tc]\d\d_)+)")


def without_comments(text):
    return re.sub(r"^[ \t]*//[^\n]*$", "", text, flags=re.MULTILINE)


def closing(text, start):
    """Where the bracket at `start` is closed."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def makers(text):
    """Macros that make tests of the names that they are given; and whether those run."""
    found = {}
    for match in re.finditer(r"macro_rules! (\w+) ", text):
        body = text[match.end() : closing(text, match.end())]
        if IS_TEST.search(body):
            found[match.group(1)] = "#[ignore" not in body
    return found


def tests_in(text, made_by=None):
    """The tests in a source by their names, and whether `cargo test` runs them."""
    text = without_comments(text)
    found = {}
    for match in FUNCTION.finditer(text):
        if IS_TEST.search(match["attributes"]):
            found[match["name"]] = "#[ignore" not in match["attributes"]
    for macro, runs in (made_by or {}).items():
        for call in re.finditer(rf"\b{macro}! ?[({{[]", text):
            inside = text[call.end() : closing(text, call.end() - 1)]
            found.update({name: runs for name in re.findall(r"^[ \t]*([a-z]\w*)(?=\s*(?:[,:]|$))", inside, re.MULTILINE)})
            if "\n" not in inside.strip():
                found.update({name.strip(): runs for name in inside.split(",") if name.strip().isidentifier()})
    return found


def rows_of(name):
    """The rows whose numbers a name begins with."""
    match = NUMBERED.match(name)
    return match[1].rstrip("_").split("_") if match else []


def rows_in(index):
    """The rows of the tables: number, names after `real:`, names after `in process:`."""
    for kind, number, cells in re.findall(r"^\| (T?)(\d+) \|(.*)\|$", index, re.MULTILINE):
        shown = cells.split(" | ")[1] if " | " in cells else ""
        real, _, process = shown.partition("in process:")
        yield f"{'t' if kind else 'c'}{int(number):02}", re.findall(r"`(\w+)`", real), re.findall(r"`(\w+)`", process)


def starts_traefik(path, text):
    """Whether the tests of a file stand behind the real Traefik; those of `edges` stand behind other proxies."""
    return path.startswith("tests/tests/") and "/edges/" not in path and re.search(r"\b(?:Stack|Edge|Ward)\b", text) is not None


def problems(index, sources):
    """What is wrong with an index over sources, which are texts by their paths."""
    made_by = {}
    for text in sources.values():
        made_by.update(makers(text))
    places, wrong = {}, []
    for path, text in sources.items():
        for name, runs in tests_in(text, made_by).items():
            places.setdefault(name, []).append((path, runs and not any(part.startswith("soak_") for part in (*path.split("/"), name))))
        for name in re.findall(r"^[ \t]*(?:pub(?:\([^)]*\))? )?(?:async )?fn (\w+)", text, re.MULTILINE):
            wrong.extend(f"{path}: {name}: there is no row {row}" for row in rows_of(name) if row not in ROWS)

    listed = {}
    for row, real, process in rows_in(index):
        if row in listed or row not in ROWS:
            wrong.append(f"{row}: twice, or no row")
        listed[row] = names = [*real, *process]
        for name in names:
            there = places.get(name, [])
            if not there:
                wrong.append(f"{row}: {name} is no test")
            elif not all(runs for _, runs in there):
                wrong.append(f"{row}: {name} is not run")
            elif any(path.startswith("tests/tests/") for path, _ in there) != (name in real):
                wrong.append(f"{row}: {name} is not where the row says")
        if not any(row in rows_of(name) for name in names):
            wrong.append(f"{row}: no test of its number is named")
        behind = (starts_traefik(path, sources[path]) for name in real for path, _ in places.get(name, []))
        if row in OF_TRAEFIK and not any(behind):
            wrong.append(f"{row}: nothing is run through Traefik")
    wrong.extend(f"{row}: is not in the index" for row in sorted(ROWS - listed.keys()))
    return wrong


class Index(unittest.TestCase):
    maxDiff = None

    def test_every_row_has_tests_and_every_number_a_row(self):
        sources = {
            path.relative_to(ROOT).as_posix(): path.read_text()
            for crate in CRATES for path in (ROOT / crate).rglob("*.rs") if "target" not in path.parts
        }
        self.assertEqual(problems(INDEX.read_text(), sources), [])

    def test_the_head_of_the_index_tells_the_rows_of_traefik(self):
        told = re.search(r"of which Traefik is a part \((.*?)\)", INDEX.read_text(), re.DOTALL)[1]
        classes, items = told.split("items")
        spans = re.findall(r"T(\d+)(?: to T(\d+))?", classes)
        rows = {f"t{number:02}" for first, last in spans for number in range(int(first), int(last or first) + 1)}
        rows |= {f"c{int(number):02}" for number in re.findall(r"\d+", items)}
        self.assertEqual(rows, OF_TRAEFIK)


HELD = """
    #[tokio::test(flavor = "multi_thread")]
    async fn t05_a_name() { Stack::start(); }
"""


def row(number, shown):
    return f"| {number} | something holds | {shown} | |\n"


class Itself(unittest.TestCase):
    """A check that cannot fail shows nothing."""

    def problems(self, index, sources):
        return [problem for problem in problems(index, sources) if not problem.endswith("is not in the index")]

    def test_a_good_row_is_good(self):
        self.assertEqual(self.problems(row("T5", "real: `t05_a_name`"), {"tests/tests/a.rs": HELD}), [])

    def test_a_row_that_is_missing_is_found(self):
        found = problems(row("T5", "real: `t05_a_name`"), {"tests/tests/a.rs": HELD})
        self.assertEqual(len(found), len(ROWS) - 1)
        self.assertIn("c86: is not in the index", found)

    def test_a_row_without_a_test_of_its_number_is_found(self):
        self.assertEqual(self.problems(row("9", ""), {}), ["c09: no test of its number is named"])
        self.assertIn("c09: no test of its number is named", self.problems(row("9", "real: `t05_a_name`"), {"tests/tests/a.rs": HELD}))

    def test_a_test_that_is_gone_is_found(self):
        for text in ("", HELD.replace("#[tokio", "// #[tokio"), HELD.replace("    async fn", "    // async fn"), "fn t05_a_name() {}"):
            self.assertIn("t05: t05_a_name is no test", self.problems(row("T5", "real: `t05_a_name`"), {"tests/tests/a.rs": text}))

    def test_a_test_that_is_ignored_or_left_to_soak_is_found(self):
        above = HELD.replace("    #[tokio", "    #[ignore = \"slow\"]\n    #[tokio")
        below = HELD.replace("    async fn", "    #[ignore]\n    async fn")
        for path, text in (("a", above), ("a", below), ("soak_a", HELD)):
            found = self.problems(row("T5", "real: `t05_a_name`"), {f"tests/tests/{path}.rs": text})
            self.assertEqual(found, ["t05: t05_a_name is not run"])

    def test_a_number_of_no_row_is_found(self):
        for name, number in (("t21_x", "t21"), ("c00_x", "c00"), ("t05_c87_x", "c87")):
            self.assertEqual(self.problems("", {"a.rs": f"#[test]\nfn {name}() {{}}\n"}), [f"a.rs: {name}: there is no row {number}"])

    def test_a_row_of_traefik_that_does_without_is_found(self):
        alone = HELD.replace("Stack", "Verify")
        for path, text in (("tests/tests/a.rs", alone), ("tests/tests/edges/a.rs", HELD)):
            self.assertEqual(self.problems(row("T5", "real: `t05_a_name`"), {path: text}), ["t05: nothing is run through Traefik"])
        found = self.problems(row("T5", "in process: `t05_a_name`"), {"shell/src/a.rs": HELD})
        self.assertEqual(found, ["t05: nothing is run through Traefik"])
        self.assertEqual(self.problems(row("T9", "in process: `t09_x`"), {"a.rs": "#[test]\nfn t09_x() {}"}), [])

    def test_a_test_in_the_wrong_column_is_found(self):
        found = self.problems(row("T5", "in process: `t05_a_name`"), {"tests/tests/a.rs": HELD})
        self.assertIn("t05: t05_a_name is not where the row says", found)

    def test_tests_that_macros_make_are_seen(self):
        macro = "macro_rules! each {\n ($($n:ident),+) => { $(#[tokio::test] async fn $n() {})+ };\n}\n"
        for call in ("each!(\n    c18_one,\n    c18_two,\n);", "e2e::each!(c18_one, c18_two);", "each! {\n c18_one: {},\n c18_two: { \"a\": 1 }\n  => \"b\",\n}"):
            self.assertEqual(tests_in(call, makers(macro)), {"c18_one": True, "c18_two": True})
        self.assertEqual(makers(macro.replace("#[tokio", "#[ignore] #[tokio")), {"each": False})
        self.assertEqual(makers("macro_rules! other { () => {} }"), {})

    def test_attributes_of_several_lines_and_comments_between_are_read_over(self):
        text = "#[test]\n#[expect(\n    clippy::x,\n)]\n/// Why.\nfn a() {}\n#[cfg(unix)]\nfn b() {}\nproptest! {\n    #[test]\n    fn c(x in any()) {}\n}\n"
        self.assertEqual(tests_in(text), {"a": True, "c": True})


if __name__ == "__main__":
    unittest.main()
