"""Context tokens, checked by libraries of others: what a service in any language has to tell its own.

Each program in clients/context-token replays validator-lib/vectors/context.json, which the Rust crate replays as well.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = pathlib.Path(os.environ.get("WICKETGATE_PARTS_DIR", ROOT / "target/parts"))
PROGRAMS = ROOT / "clients/context-token"
VECTORS = ROOT / "validator-lib/vectors/context.json"
GSON = "/usr/share/java/gson.jar"


def replay(*command, **more):
    environment = os.environ | more
    done = subprocess.run([*map(str, command), VECTORS], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines())


class AnyLanguage(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.cases = json.loads(VECTORS.read_text())["cases"]
        self.expected = {case["name"]: case["good"] for case in self.cases}
        self.assertEqual(len(self.expected), len(self.cases), "each case has a name of its own")
        self.assertTrue(any(self.expected.values()) and not all(self.expected.values()))

    def test_python_with_joserfc(self):
        told = replay("python3", "-B", PROGRAMS / "verify.py", PYTHONPATH=str(PARTS / "jose"))
        self.assertEqual(told, self.expected)

    def test_node_with_jose(self):
        # Node looks for packages beside the script, so the script appears beside the packages.
        with tempfile.TemporaryDirectory() as beside:
            program = pathlib.Path(beside) / "verify.mjs"
            program.symlink_to(PROGRAMS / "verify.mjs")
            (pathlib.Path(beside) / "node_modules").symlink_to(PARTS / "node/node_modules")
            told = replay("node", "--preserve-symlinks", "--preserve-symlinks-main", program)
        self.assertEqual(told, self.expected)

    def test_java_with_the_jdk_alone(self):
        told = replay("java", "-cp", GSON, PROGRAMS / "Verify.java")
        self.assertEqual(told, self.expected)


if __name__ == "__main__":
    unittest.main()
