"""The values of helm/wicketgate: what does not exist or does not work is refused, and no secret is in a manifest."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402

SCHEMA = json.loads((chart.CHART / "values.schema.json").read_text())


class Values(unittest.TestCase):
    def refused(self, *values, told):
        more = [argument for value in values for argument in ("--set-json", value)]
        with self.assertRaises(chart.Refused) as refusal:
            chart.text("default", *more)
        self.assertIn(told, str(refusal.exception))

    def test_unknown_and_wrong_values_are_refused(self):
        for value, told in [
            ("replica=3", "'replica' not allowed"),
            ("bff.replica=3", "'replica' not allowed"),
            ('traefik.protected=[{"name":"a","path":"/a","service":{"name":"a","port":1},"polcy":"b"}]', "'polcy' not allowed"),
            ('bff.replicas="three"', "/bff/replicas"),
            ('forwardauth.mode="statefulset"', "/forwardauth/mode"),
            ('hosts=["https://app.example.com"]', "/hosts/0"),
            ('trustedProxies=["traefik"]', "/trustedProxies/0"),
            ('bff.image.digest="sha256:1"', "/bff/image/digest"),
            ('traefik.forwardauthUrl="http://forwardauth:8001"', "/traefik/forwardauthUrl"),
            ("bff.secrets=[]", "/bff/secrets"),
            ('bff.resources={"limits":{"cpus":"1"}}', "'cpus' not allowed"),
            ("config.routes={}", "/config/routes"),
        ]:
            with self.subTest(value):
                self.refused(value, told=told)

    def test_settings_that_do_not_exist_and_secrets_in_clear_are_refused(self):
        for value in [
            'settings.BFF_COOKIE_NAMES="x"',
            'bff.settings.OIDC_CLIENT_SECRET="x"',
            'bff.settings.REDIS_URL="redis://redis"',
            'bff.settings.BFF_SESSION_KEYS="s1:x"',
            'bff.settings.BFF_LISTEN="0.0.0.0:80"',
            'forwardauth.settings.BFF_EDGE_KEYS="e1:x"',
            'bff.extraEnv.BFF_SESSION_KEYS="s1:x"',
            'forwardauth.secrets=["REDIS_URL","BFF_EDGE_KEYS","BFF_SESSION_KEYS"]',
            'bff.settings.OIDC_SCOPES="-----BEGIN PRIVATE KEY-----"',
        ]:
            with self.subTest(value):
                self.refused(value, told="values don't meet the specifications of the schema")

    def test_values_that_contradict_each_other_are_all_told_at_once(self):
        with self.assertRaises(chart.Refused) as refusal:
            chart.text(
                "default",
                *("--set-json", "hosts=[]"),
                *("--set-json", "trustedProxies=[]"),
                *("--set-json", 'secrets.source="csi"'),
                *("--set-json", "bff.autoscaling.minReplicas=2"),
                *("--set-json", "lifecycle.preStopSeconds=30"),
                *("--set-json", "askBff.enabled=true"),
                *("--set-json", 'traefik.policies=["wiki"]'),
                *("--set-json", 'traefik.tls.secretName=""'),
                *("--set-json", "gatewayApi.enabled=true"),
                *("--set-json", "bff.tls.enabled=true"),
            )
        for told in [
            "hosts: missing",
            "trustedProxies: missing",
            "tls.source: a generated key",
            "secrets.csi.azure.keyvaultName: missing",
            "bff.podDisruptionBudget.minAvailable: not below the 2 replicas",
            "lifecycle.terminationGracePeriodSeconds: too short",
            "bff.secrets: askBff needs BFF_INTERNAL_TOKEN",
            "traefik.policies: config.forwardauth defines them",
            "traefik.tls: name secretName or certResolver",
            "gatewayApi.parentRefs: missing",
            "gatewayApi.enabled: an HTTPRoute cannot speak TLS to bff",
        ]:
            self.assertIn(told, str(refusal.exception))

    def test_every_setting_can_be_set_and_none_that_does_not_exist(self):
        parts = [SCHEMA["properties"][part]["properties"] for part in ("forwardauth", "bff")]
        settings = set(SCHEMA["properties"]["settings"]["properties"])
        secrets = set()
        for part in parts:
            settings |= set(part["settings"]["properties"])
            secrets |= set(part["secrets"]["items"]["enum"])
        self.assertEqual(settings & secrets, set())
        self.assertEqual((settings | secrets) - set(chart.documented()), set())
        # What follows from other values, and what is for a developer's machine.
        ours = {
            "BFF_TRUSTED_PROXIES", "BFF_CONFIG_DIR", "BFF_DEV_AUTO_TENANT",
            "BFF_LISTEN", "BFF_ADMIN_LISTEN", "BFF_TLS_CERT", "BFF_TLS_KEY", "BFF_ADMIN_TLS_CERT", "BFF_ADMIN_TLS_KEY",
            "FORWARDAUTH_LISTEN", "FORWARDAUTH_ADMIN_LISTEN", "FORWARDAUTH_TLS_CERT", "FORWARDAUTH_TLS_KEY",
            "FORWARDAUTH_BFF_URL", "FORWARDAUTH_BFF_CA",
            "ENABLE_ADVANCED_SESSION_BINDING", "ENABLE_TOKEN_DOWNSCOPING", "ENABLE_FAPI_COMPLIANCE", "ENABLE_MTLS_BACKEND",
        }  # fmt: skip
        self.assertEqual(set(chart.documented()) - settings - secrets, ours)
        self.assertEqual({name for name, secret in chart.documented().items() if secret} - secrets - ours, set())


class Secrets(unittest.TestCase):
    def test_with_csi_no_manifest_is_a_secret_and_each_program_mounts_its_own_class(self):
        for name in ("csi", "everything"):
            with self.subTest(name):
                documents = chart.manifests(name)
                self.assertEqual(chart.kind(documents, "Secret"), [])
                self.assertNotRegex(chart.text(name), r"-----BEGIN|LS0tLS1CRUdJTi|secretKeyRef|secretObjects")
                for pod, spec in chart.pods(documents):
                    for volume in spec.get("volumes", []):
                        if volume["name"] == "secrets":
                            component = "forwardauth" if "forwardauth" in pod else "bff"
                            self.assertEqual(volume["csi"]["driver"], "secrets-store.csi.k8s.io")
                            self.assertEqual(volume["csi"]["volumeAttributes"]["secretProviderClass"], f"wicketgate-{component}")

    def test_a_secret_provider_class_names_every_file_that_its_program_reads(self):
        for name in ("csi", "everything"):
            documents = chart.manifests(name)
            pods = dict(chart.pods(documents))
            for component in ("bff", "forwardauth"):
                with self.subTest(name, component=component):
                    provider = chart.named(documents, "SecretProviderClass", f"wicketgate-{component}")
                    self.assertEqual(provider["apiVersion"], "secrets-store.csi.x-k8s.io/v1")
                    parameters = provider["spec"]["parameters"]
                    self.assertTrue(parameters["keyvaultName"] and parameters["tenantID"] and parameters["clientID"])
                    [objects] = json.loads(chart.read(parameters["objects"]))
                    objects = [json.loads(chart.read(each))[0] for each in objects["array"]]
                    for each in objects:
                        self.assertRegex(each["objectName"], r"^[0-9a-zA-Z-]+$")
                        self.assertEqual(each["objectType"], "secret")
                    named = {f"/run/secrets/wicketgate/{each['objectAlias']}" for each in objects}
                    [container] = pods[f"wicketgate-{component}"]["containers"]
                    read = {value for value in chart.environment(container).values() if value.startswith("/run/secrets/")}
                    self.assertEqual(read - named, set())
        self.assertIn("objectName: shared-redis-url", chart.text("csi"))

    def test_forwardauth_cannot_mount_what_seals_sessions_or_speaks_to_the_identity_provider(self):
        for name in chart.SETS:
            for pod, spec in chart.pods(chart.manifests(name)):
                if "forwardauth" in pod:
                    self.assertNotRegex(json.dumps(spec), "SESSION_KEYS|CLIENT_SECRET|CLIENT_KEY|ADMIN_TOKENS|HMAC", name)


if __name__ == "__main__":
    unittest.main()
