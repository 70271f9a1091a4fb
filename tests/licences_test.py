"""tests/licences refuses what it is there to refuse."""

import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "licences"
LOADER = importlib.machinery.SourceFileLoader("licences", str(SCRIPT))
licences = importlib.util.module_from_spec(importlib.util.spec_from_loader("licences", LOADER))
LOADER.exec_module(licences)

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def metadata():
    """A workspace of two members and one dependency, in order."""
    return {
        "workspace_members": ["path#forwardauth", "path#bff-core"],
        "packages": [
            package("path#forwardauth", "forwardauth", None),
            package("path#bff-core", "bff-core", None),
            package("hyper", "hyper", CRATES_IO),
        ],
        "resolve": {
            "nodes": [
                {"id": "path#forwardauth", "deps": [uses("hyper")]},
                {"id": "path#bff-core", "deps": [uses("hyper")]},
                {"id": "hyper", "deps": []},
            ]
        },
    }


def package(identifier, name, source, licence="MIT OR Apache-2.0"):
    return {"id": identifier, "name": name, "version": "1.0.0", "source": source, "license": licence}


def uses(identifier, kind=None):
    return {"pkg": identifier, "dep_kinds": [{"kind": kind, "target": None}]}


class Licences(unittest.TestCase):
    def run_on(self, doctored):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(doctored, file)
            file.flush()
            return subprocess.run([SCRIPT, file.name], capture_output=True, text=True)

    def assert_refused(self, doctored, *words):
        outcome = self.run_on(doctored)
        self.assertEqual(outcome.returncode, 1, outcome.stdout + outcome.stderr)
        for word in words:
            self.assertIn(word, outcome.stderr)

    def add(self, user, identifier, name, source=CRATES_IO, licence="MIT", kind=None):
        doctored = metadata()
        doctored["packages"].append(package(identifier, name, source, licence))
        doctored["resolve"]["nodes"].append({"id": identifier, "deps": []})
        node = next(node for node in doctored["resolve"]["nodes"] if node["id"] == user)
        node["deps"].append(uses(identifier, kind))
        return doctored

    def test_a_workspace_in_order_passes(self):
        outcome = self.run_on(metadata())
        self.assertEqual(outcome.returncode, 0, outcome.stderr)

    def test_a_licence_that_is_not_listed_is_refused(self):
        self.assert_refused(self.add("hyper", "x", "x", licence="AGPL-3.0-only"), "x 1.0.0", "AGPL")
        self.assert_refused(self.add("hyper", "x", "x", licence="MIT AND GPL-2.0-only"), "x 1.0.0")

    def test_a_crate_without_a_licence_is_refused(self):
        self.assert_refused(self.add("hyper", "x", "x", licence=None), "x 1.0.0")

    def test_a_banned_crate_is_refused_however_deep(self):
        self.assert_refused(self.add("hyper", "openssl-ish", "native-tls"), "native-tls is banned", "hyper")
        self.assert_refused(self.add("hyper", "r", "reqwest", kind="dev"), "reqwest is banned")

    def test_a_crate_with_wrappers_is_refused_to_everyone_else(self):
        self.assert_refused(self.add("path#bff-core", "fred", "fred"), "fred is banned", "bff-core")

    def test_a_git_or_foreign_registry_source_is_refused(self):
        git = "git+https://example.test/x"
        self.assert_refused(self.add("hyper", "x", "x", source=git), "source git+")
        self.assert_refused(self.add("hyper", "x", "x", source="registry+https://example.test/"), "source registry+")

    def test_a_path_outside_the_workspace_is_refused(self):
        self.assert_refused(self.add("hyper", "x", "x", source=None), "outside the workspace")

    def test_a_crate_that_is_there_twice_is_refused_unless_there_is_a_reason(self):
        doctored = self.add("hyper", "x1", "x")
        self.assertEqual(self.run_on(doctored).returncode, 0)
        doctored["packages"].append({**package("x2", "x", CRATES_IO), "version": "2.0.0"})
        self.assert_refused(doctored, "x is there as 1.0.0 and 2.0.0")

    def test_a_reason_without_its_crate_is_refused(self):
        policy = {"bans": {"skip": [{"crate": "hyper@1.0.0"}, {"crate": "x@0.1.0"}]}}
        self.assertEqual(licences.idle_exceptions(metadata(), policy), ["x@0.1.0 is skipped in deny.toml and not there"])

    def test_a_crate_that_may_hold_unsafe_code_is_refused(self):
        good, lints = {"lints": {"workspace": True}}, lambda level: {"workspace": {"lints": {"rust": {"unsafe_code": level}}}}
        self.assertEqual(licences.unsafe_allowed(lints("forbid"), {"shell": good}), [])
        for member in [{}, {"lints": {"rust": {"unsafe_code": "allow"}}}]:
            refused = licences.unsafe_allowed(lints("forbid"), {"shell": good, "session": member})
            self.assertEqual(refused, ["session does not forbid unsafe code"])
        # The one exception is denied at least.
        denied = {"lints": {"rust": {"unsafe_code": "deny"}}}
        self.assertEqual(licences.unsafe_allowed(lints("forbid"), {"fuzz": denied}), [])
        refused = licences.unsafe_allowed(lints("forbid"), {"fuzz": {}})
        self.assertEqual(refused, ["fuzz does not deny unsafe code"])
        # What is only denied can be allowed again.
        self.assertEqual(len(licences.unsafe_allowed(lints("deny"), {"shell": good})), 1)

    def test_forwardauth_carries_no_login_code(self):
        for name in ["josekit", "oauth2", "axum", "sqlx", "bff-core"]:
            self.assert_crossed(("forwardauth", licences.ALL), [name], f"must not depend on {name}")

    def test_bff_core_does_not_depend_on_forwardauth(self):
        self.assert_crossed(("bff-core", licences.ALL), ["forwardauth"], "must not depend on forwardauth")

    def test_a_feature_of_validator_lib_stays_behind_that_feature(self):
        for name in ["fred", "josekit", "openssl", "axum", "actix-web"]:
            self.assert_crossed(("validator-lib", licences.DEFAULT), [name], f"default features) must not depend on {name}")
        for name in ["tokio", "hyper", "openssl", "fred"]:
            self.assert_crossed(("validator-lib", licences.NONE), [name], f"no-default-features) must not depend on {name}")
        for name in ["session", "oauth2"]:
            self.assert_crossed(("validator-lib", licences.ALL), [name], f"must not depend on {name}")
        self.assert_crossed(("validator-lib", licences.ALL), ["fred", "josekit", "tokio"])

    def test_nobody_gets_a_redis_client_through_validator_lib(self):
        for crate in ["forwardauth", "bff-core", "demo"]:
            self.assert_crossed((crate, licences.ALL), ["validator-lib"])
            for features in ["redis", "http,redis"]:
                self.assert_crossed(
                    (crate, licences.ALL), [f"validator-lib|{features}"], f"{crate} must not switch on redis of validator-lib"
                )

    def test_a_tree_is_read_as_cargo_writes_it(self):
        text = "a v1.0.0 (/path)|\nb v1.0.0|std,tls\nb v1.0.0|std,tls (*)\nc v2.0.0 (proc-macro)|\n"
        self.assertEqual(licences.built(text).keys(), {"a", "b", "c"})
        self.assertEqual(licences.built("b v1.0.0|std,tls (*)\n"), {"b": {"std", "tls"}})

    def test_a_crate_is_looked_at_by_itself(self):
        # What cargo says of this workspace: of the two builds, one has an HTTP client.
        self.assertIn("hyper", licences.built(licences.tree("validator-lib", licences.DEFAULT)))
        self.assertIn("redis", licences.built(licences.tree("validator-lib", licences.ALL))["validator-lib"])

    def assert_crossed(self, build, crates, *expected):
        """What `crossings` finds where `build` is made of `crates`, and every other build of nothing."""

        def tree(crate, features):
            lines = [name.replace("|", " v1.0.0|") if "|" in name else f"{name} v1.0.0|" for name in [crate, *crates]]
            return "\n".join(lines) if (crate, features) == build else ""

        found = licences.crossings(tree)
        self.assertEqual(len(found), len(expected), found)
        for line, words in zip(found, expected):
            self.assertIn(words, line)

    def test_expressions_are_evaluated_as_spdx_means_them(self):
        allowed = {"MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"}
        for expression in [
            "MIT", "MIT OR GPL-3.0-only", "GPL-3.0-only OR MIT", "MIT/GPL-2.0", "(MIT OR GPL-3.0-only) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", "Apache-2.0 AND ISC",
        ]:
            self.assertTrue(licences.licence_allowed(expression, allowed), expression)
        for expression in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT OR ISC) AND GPL-3.0-only", "MIT WITH X-exception"]:
            self.assertFalse(licences.licence_allowed(expression, allowed), expression)
        for expression in ["", "MIT OR", "(MIT", "MIT ISC"]:
            with self.assertRaises(ValueError):
                licences.licence_allowed(expression, allowed)


if __name__ == "__main__":
    unittest.main()
