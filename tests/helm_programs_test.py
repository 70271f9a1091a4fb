"""Both programs accept what helm/wicketgate gives them: the settings, files and secrets of each set of values, laid out as in
a pod, pass `check-config`. Needs the release build of tests/run."""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("WICKETGATE_BIN_DIR", chart.TARGET / "release"))


def key():
    return base64.b64encode(os.urandom(32)).decode()


SECRETS = {
    "REDIS_URL": "rediss://wicketgate:secret@redis:6380",
    "DATABASE_URL": "postgres://wicketgate:secret@postgres/wicketgate?sslmode=verify-full",
    "BFF_EDGE_KEYS": f"e1:{key()}",
    "BFF_SESSION_KEYS": f"s1:{key()}",
    "BFF_INTERNAL_TOKEN": key(),
    "BFF_INTERNAL_HMAC_SECRET": key(),
    "BFF_ADMIN_TOKENS": f"alice:{key()}",
    "OIDC_CLIENT_SECRET": "secret",
    "acme": "secret",
}


class Programs(unittest.TestCase):
    def lay_out(self, root, documents, spec, pair):
        """The volumes of a pod below `root`, by the paths of its container's mounts."""
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in spec["containers"][0]["volumeMounts"]:
            folder = root / mount["mountPath"].lstrip("/")
            folder.mkdir(parents=True)
            volume = volumes[mount["name"]]
            if "configMap" in volume:
                data = chart.named(documents, "ConfigMap", volume["configMap"]["name"])["data"]
                for name, content in data.items():
                    (folder / name).write_text(self.moved(root, content))
            elif "secret" in volume or "csi" in volume:
                for name in self.entries(documents, volume):
                    pem = pair["tls.key"] if name.endswith((".key", ".pem", "_KEY")) else pair["tls.crt"]
                    (folder / name).write_text(SECRETS.get(name, pem))

    def entries(self, documents, volume):
        if "secret" in volume:
            return [item["path"] for item in volume["secret"]["items"]]
        provider = chart.named(documents, "SecretProviderClass", volume["csi"]["volumeAttributes"]["secretProviderClass"])
        objects = provider["spec"]["parameters"]["objects"]
        return [line.split(": ")[1] for line in objects.splitlines() if "objectAlias: " in line]

    @staticmethod
    def moved(root, text):
        for folder in ("/app/config", "/run/secrets/", "/run/tls/"):
            text = text.replace(folder, f"{root}{folder}")
        return text

    def test_both_programs_accept_what_every_set_of_values_gives_them(self):
        pair = chart.generated_pair()
        checked = set()
        for name in chart.SETS:
            documents = chart.manifests(name)
            for pod, spec in chart.pods(documents):
                container = spec["containers"][0]
                program = container["name"].removeprefix("wicketgate-")
                if program not in ("bff", "forwardauth"):
                    continue
                with self.subTest(name, pod=pod), tempfile.TemporaryDirectory() as folder:
                    root = pathlib.Path(folder)
                    self.lay_out(root, documents, spec, pair)
                    environment = {each: self.moved(root, value) for each, value in chart.environment(container).items()}
                    done = subprocess.run([PROGRAMS / program, "check-config"], env=environment, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertNotIn("WARN", done.stdout)
                checked.add((name, program))
        self.assertEqual(len(checked), 2 * len(chart.SETS) - 1)


if __name__ == "__main__":
    unittest.main()
