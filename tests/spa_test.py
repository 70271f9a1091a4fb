"""clients/spa: its types, its own tests, and that what is committed there is small and what its sources build to."""

import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PARTS = pathlib.Path(os.environ.get("WICKETGATE_PARTS_DIR", TARGET / "parts"))
SPA = ROOT / "clients" / "spa"
MOST = 4096


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differences(committed, built):
    return sorted(name for name in committed.keys() | built.keys() if committed.get(name) != built.get(name))


class Client(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # A copy, beside which the packages appear: the checkout has none.
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.place = pathlib.Path(scratch.name) / "spa"
        shutil.copytree(SPA, cls.place, ignore=shutil.ignore_patterns("node_modules"))
        (cls.place / "node_modules").symlink_to(PARTS / "spa" / "node_modules")
        cls.environment = {"PATH": os.environ["PATH"], "HOME": scratch.name, "NO_COLOR": "1", "CI": "1"}

    def run_in_place(self, *words):
        done = subprocess.run(words, cwd=self.place, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_sources_tests_and_examples_have_the_types_that_they_say(self):
        self.run_in_place("node_modules/.bin/tsc", "--noEmit")

    def test_its_own_tests_pass(self):
        told = self.run_in_place("node_modules/.bin/vitest", "run")
        self.assertRegex(told, r"Tests +[1-9]\d* passed")

    def test_what_is_committed_is_what_the_sources_build_to(self):
        self.run_in_place("node", "build.mjs", "built")
        built, committed = files(self.place / "built"), files(SPA / "dist")
        self.assertEqual(differences(committed, built), [], "run `node build.mjs` in clients/spa")
        self.assertEqual(differences({**committed, "index.js": b"other"}, built), ["index.js"])
        self.assertEqual(differences(committed, {**built, "new.js": b""}), ["new.js"])

    def test_it_is_small_as_it_stands(self):
        size = len(gzip.compress((SPA / "dist" / "index.js").read_bytes(), mtime=0))
        self.assertLess(size, MOST)

    def test_it_needs_nothing_at_run_time(self):
        imports = {name: re.findall(r"""^\s*import .*["'](.+)["']""", (SPA / "dist" / name).read_text(), re.MULTILINE) for name in ("index.js", "react.js")}
        self.assertEqual(imports, {"index.js": [], "react.js": ["react"]})
        manifest = json.loads((SPA / "package.json").read_text())
        self.assertNotIn("dependencies", manifest)
        self.assertTrue(manifest["peerDependenciesMeta"]["react"]["optional"])

    def test_versions_are_exact_and_its_own_is_that_of_the_programs(self):
        manifest = json.loads((SPA / "package.json").read_text())
        for name, version in manifest["devDependencies"].items():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$", name)
        workspace = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        self.assertEqual(manifest["version"], workspace)

    def test_its_licence_is_that_of_the_programs(self):
        manifest = json.loads((SPA / "package.json").read_text())
        workspace = re.search(r'^license = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        self.assertEqual(manifest["license"], workspace)


if __name__ == "__main__":
    unittest.main()
