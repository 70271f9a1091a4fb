"""supply-chain/sbom names all that a program is made of. `supply-chain/check` holds it to the schema."""

import json
import os
import pathlib
import re
import subprocess
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN = {"forwardauth", "bff-core", "session", "shell", "validator-lib"}


def sbom(program, **environment):
    command = [ROOT / "supply-chain" / "sbom", program]
    return subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE).stdout


def tree(package, edges):
    """The crates that cargo itself names, as `name version`."""
    command = ["cargo", "tree", "--locked", "--package", package, "--edges", edges, "--prefix", "none"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {" ".join(line.split()[:2]).replace(" v", " ") for line in lines if line}


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.raw = {program: sbom(program) for program in ["forwardauth", "bff"]}
        cls.bills = {program: json.loads(raw) for program, raw in cls.raw.items()}

    def test_every_crate_of_a_program_is_named_once(self):
        for program, package in [("forwardauth", "forwardauth"), ("bff", "bff-core")]:
            about = self.bills[program]["metadata"]["component"]
            self.assertEqual((about["name"], about["type"]), (program, "application"))
            named = [f"{found['name']} {found['version']}" for found in self.bills[program]["components"]]
            self.assertEqual(len(named), len(set(named)))
            expected = tree(package, "normal,build")
            self.assertEqual(set(named) | {f"{package} {about['version']}"}, expected)
            self.assertGreater(len(expected), 150)

    def test_what_is_linked_is_told_from_what_only_builds(self):
        scopes = {found["name"]: found["scope"] for found in self.bills["bff"]["components"]}
        for linked in ["hyper", "rustls", "ring", "openssl-sys", "openssl-src", "tikv-jemalloc-sys", "session"]:
            self.assertEqual(scopes[linked], "required", linked)
        for builds in ["serde_derive", "cc", "syn"]:
            self.assertEqual(scopes[builds], "excluded", builds)
        self.assertNotIn("josekit", {found["name"] for found in self.bills["forwardauth"]["components"]})

    def test_every_crate_has_a_licence_an_address_and_the_hash_of_the_lock_file(self):
        lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
        checksums = {(found["name"], found["version"]): found.get("checksum") for found in lock["package"]}
        for bill in self.bills.values():
            for found in bill["components"]:
                name, version = found["name"], found["version"]
                self.assertTrue(found["licenses"][0]["expression"], name)
                self.assertEqual(found["purl"], f"pkg:cargo/{name}@{version}")
                if name not in OWN:
                    self.assertRegex(found["hashes"][0]["content"], r"^[0-9a-f]{64}$", name)
                    self.assertEqual(found["hashes"][0], {"alg": "SHA-256", "content": checksums[name, version]})

    def test_who_needs_whom_leads_from_the_program_to_every_crate(self):
        for program, bill in self.bills.items():
            needs = {entry["ref"]: set(entry["dependsOn"]) for entry in bill["dependencies"]}
            reached, ahead = set(), [bill["metadata"]["component"]["bom-ref"]]
            while ahead:
                reference = ahead.pop()
                if reference not in reached:
                    reached.add(reference)
                    ahead.extend(needs[reference])
            self.assertEqual(reached, needs.keys(), program)
            references = {found["bom-ref"] for found in bill["components"]}
            self.assertEqual(reached - references, {bill["metadata"]["component"]["bom-ref"]})

    def test_the_same_checkout_gives_the_same_bytes_and_no_time_of_its_own(self):
        self.assertEqual(sbom("bff"), self.raw["bff"])
        self.assertNotIn("timestamp", self.bills["bff"]["metadata"])
        at = json.loads(sbom("bff", SOURCE_DATE_EPOCH="1700000000"))
        self.assertEqual(at["metadata"]["timestamp"], "2023-11-14T22:13:20Z")
        self.assertEqual(at["serialNumber"], self.bills["bff"]["serialNumber"])
        self.assertNotEqual(self.bills["bff"]["serialNumber"], self.bills["forwardauth"]["serialNumber"])
        self.assertTrue(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", at["serialNumber"]))

    def test_no_path_of_the_machine_is_in_it(self):
        for raw in self.raw.values():
            self.assertNotIn(str(ROOT).encode(), raw)
            self.assertNotIn(b".cargo", raw)


if __name__ == "__main__":
    unittest.main()
