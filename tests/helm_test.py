"""The chart helm/wicketgate: what it renders is what Kubernetes and the programs take, and nothing in it is open.

`UPDATE_SNAPSHOTS=1` rewrites tests/helm/snapshot.
"""

import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402
import readme as tables  # noqa: E402

DOCUMENTED = (chart.ROOT / "docs" / "CONFIGURATION.md").read_text()
LOGGED = (chart.ROOT / "docs" / "LOGGING.md").read_text()
SCHEMA = json.loads((chart.CHART / "values.schema.json").read_text())


def documented():
    """Settings of the tables, by name: whether it is a secret."""
    rows = re.findall(r"^\| ((?:`[A-Z][A-Z0-9_]+`(?:, )?)+) \| ([^|]*) \|", DOCUMENTED, flags=re.M)
    return {name: "secret" in default for names, default in rows for name in re.findall("`([A-Z0-9_]+)`", names)}


class Rendered(unittest.TestCase):
    def test_the_chart_passes_the_strict_lint_with_every_set_of_values(self):
        for name in chart.SETS:
            with self.subTest(name):
                status, output = chart.helm("lint", "--strict", chart.CHART, *chart.files(name))
                self.assertEqual(status, 0, output)

    def test_kubernetes_takes_every_manifest_of_every_set_of_values(self):
        # Its CRD is in no package: `Secrets` looks at it.
        unknown = re.compile(r"SecretProviderClass .*: there is no schema for this kind$")
        for name in chart.SETS:
            with self.subTest(name):
                self.assertEqual([line for line in chart.problems(chart.text(name)) if not unknown.search(line)], [])

    def test_a_wrong_and_an_unknown_field_would_have_been_found(self):
        yaml = chart.text("default")
        for good, bad, told in [
            ("minReadySeconds: 5", "minReadySeconds: soon", "must be integer"),
            ("minReadySeconds: 5", "minReadySecond: 5", "additional properties"),
            ("trustForwardHeader: true", "trustForwardHeader: often", "boolean"),
        ]:
            with self.subTest(bad):
                self.assertIn(good, yaml)
                self.assertIn(told, "\n".join(chart.problems(yaml.replace(good, bad))))

    def test_the_default_is_as_the_snapshot_has_it(self):
        snapshot = chart.HERE / "snapshot" / "default.yaml"
        rendered = chart.without_keys(chart.text("default"))
        if os.environ.get("UPDATE_SNAPSHOTS"):
            snapshot.write_text(rendered)
        self.assertEqual(rendered, snapshot.read_text(), "UPDATE_SNAPSHOTS=1 rewrites it")


    def test_the_readme_tells_every_value_and_its_example_works(self):
        readme = chart.CHART / "README.md"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            readme.write_text(tables.updated(readme.read_text()))
        text = readme.read_text()
        self.assertEqual(text, tables.updated(text), "UPDATE_SNAPSHOTS=1 rewrites it")
        self.assertEqual(tables.undescribed(), [])
        [example] = re.findall(r"^```yaml\n(hosts:.*?)^```", text, flags=re.M | re.S)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as values:
            values.write(example)
            values.flush()
            status, output = chart.helm("template", "wicketgate", chart.CHART, "--values", values.name)
        self.assertEqual(status, 0, output)
        self.assertEqual(chart.problems(output), [])


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
        self.assertEqual((settings | secrets) - set(documented()), set())
        # What follows from other values, and what is for a developer's machine.
        ours = {
            "BFF_TRUSTED_PROXIES", "BFF_CONFIG_DIR", "BFF_DEV_AUTO_TENANT",
            "BFF_LISTEN", "BFF_ADMIN_LISTEN", "BFF_TLS_CERT", "BFF_TLS_KEY", "BFF_ADMIN_TLS_CERT", "BFF_ADMIN_TLS_KEY",
            "FORWARDAUTH_LISTEN", "FORWARDAUTH_ADMIN_LISTEN", "FORWARDAUTH_TLS_CERT", "FORWARDAUTH_TLS_KEY",
            "FORWARDAUTH_BFF_URL", "FORWARDAUTH_BFF_CA",
            "ENABLE_ADVANCED_SESSION_BINDING", "ENABLE_TOKEN_DOWNSCOPING", "ENABLE_FAPI_COMPLIANCE", "ENABLE_MTLS_BACKEND",
        }  # fmt: skip
        self.assertEqual(set(documented()) - settings - secrets, ours)
        self.assertEqual({name for name, secret in documented().items() if secret} - secrets, set())


class Pods(unittest.TestCase):
    def every_container(self):
        for name in chart.SETS:
            for pod, spec in chart.pods(chart.manifests(name)):
                for container in spec["containers"] + spec.get("initContainers", []):
                    yield name, pod, spec, container

    def test_no_container_is_root_or_can_write_or_become_more(self):
        seen = set()
        for name, pod, spec, container in self.every_container():
            with self.subTest(name, pod=pod, container=container["name"]):
                own = container["securityContext"]
                self.assertTrue(own["runAsNonRoot"] and own["runAsUser"] >= 10000)
                self.assertTrue(own["readOnlyRootFilesystem"])
                self.assertFalse(own["allowPrivilegeEscalation"] or own["privileged"])
                self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
                self.assertEqual(own["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertIn("memory", container["resources"]["limits"])
                if not pod.endswith("-sidecar"):
                    self.assertFalse(spec["automountServiceAccountToken"] or spec["enableServiceLinks"])
            seen.add((name, pod))
        self.assertEqual(len({name for name, _ in seen}), len(chart.SETS))
        self.assertIn(("sidecar", "wicketgate-forwardauth-sidecar"), seen)

    def test_every_variable_is_documented_and_none_holds_a_secret(self):
        known = documented()
        for name, pod, _, container in self.every_container():
            for variable in container.get("env", []):
                with self.subTest(name, pod=pod, variable=variable["name"]):
                    self.assertEqual(set(variable), {"name", "value"})
                    if variable["name"] in ("PARTNER_DOMAIN", "REGION"):  # their `extraEnv`
                        continue
                    file = variable["name"].endswith("_FILE")
                    setting = variable["name"].removesuffix("_FILE")
                    self.assertIn(setting, known)
                    self.assertEqual(file, known[setting] or setting in ("OIDC_CLIENT_CERT", "REDIS_TLS_KEY"))

    def test_every_file_that_a_variable_names_is_mounted(self):
        for name, pod, spec, container in self.every_container():
            mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
            volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
            for variable, value in chart.environment(container).items():
                if value.startswith("/"):
                    with self.subTest(name, pod=pod, variable=variable):
                        folder = value if value in mounts else os.path.dirname(value)
                        self.assertTrue(mounts[folder]["readOnly"])
                        volume = volumes[mounts[folder]["name"]]
                        if "secret" in volume:
                            self.assertIn(os.path.basename(value), [item["path"] for item in volume["secret"]["items"]])
            # A file under a `subPath` never changes.
            self.assertFalse([mount for mount in mounts.values() if "subPath" in mount])

    def test_kubernetes_takes_the_sidecar_and_it_outlives_traefik(self):
        [(_, spec)] = [each for each in chart.pods(chart.manifests("sidecar")) if each[0].endswith("-sidecar")]
        [sidecar] = spec["containers"]
        self.assertEqual(sidecar["restartPolicy"], "Always")
        self.assertEqual(chart.environment(sidecar)["FORWARDAUTH_LISTEN"], "127.0.0.1:8001")
        traefik = {"name": "traefik", "image": "traefik"}
        spec = {**spec, "initContainers": [sidecar], "containers": [traefik]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "traefik"}, "spec": spec}
        self.assertEqual(chart.problems(json.dumps(pod)), [])
        addresses = [each["spec"]["forwardAuth"]["address"] for each in chart.manifests("sidecar")
                     if "forwardAuth" in each.get("spec", {})]  # fmt: skip
        self.assertEqual(addresses, ["https://localhost:8001/auth/forward"])
        [monitor] = chart.kind(chart.manifests("sidecar"), "PodMonitor")
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        self.assertIn(endpoint["port"], [port["name"] for port in sidecar["ports"]])

    def test_large_numbers_stay_numbers(self):
        documents = chart.manifests("everything")
        pods = dict(chart.pods(documents))
        self.assertEqual(chart.environment(pods["wicketgate-bff"]["containers"][0])["BFF_MAX_STREAMS"], "1000000")
        verify = chart.environment(pods["wicketgate-forwardauth"]["containers"][0])
        self.assertEqual(verify["FORWARDAUTH_CACHE_ENTRIES"], "1000000")

    def test_a_rollout_takes_no_pod_away_before_the_next_is_ready_and_nodes_can_be_drained(self):
        for name in chart.SETS:
            documents = chart.manifests(name)
            for workload in chart.kind(documents, "Deployment", "DaemonSet"):
                with self.subTest(name, workload=workload["metadata"]["name"]):
                    spec = workload["spec"]
                    strategy = spec.get("strategy") or spec["updateStrategy"]
                    self.assertEqual(strategy["rollingUpdate"]["maxUnavailable"], 0)
                    pod = spec["template"]["spec"]
                    stop = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
                    self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], stop + 30)
                    if workload["kind"] == "Deployment":
                        budget = chart.named(documents, "PodDisruptionBudget", workload["metadata"]["name"])
                        scalers = [each for each in chart.kind(documents, "HorizontalPodAutoscaler")
                                   if each["metadata"]["name"] == workload["metadata"]["name"]]  # fmt: skip
                        fewest = scalers[0]["spec"]["minReplicas"] if scalers else spec["replicas"]
                        self.assertEqual(budget["spec"]["minAvailable"], 2)
                        self.assertGreater(fewest, 2)


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


class Alerts(unittest.TestCase):
    def test_alerts_ask_for_metrics_and_labels_that_exist(self):
        rows = re.findall(r"^\| ((?:`[a-z_{},]+`(?:, )?)+) \| [^|]* \|(.*)\|$", LOGGED, flags=re.M)
        metrics = {}
        for names, row in rows:
            for name, labels in re.findall(r"`([a-z_]+)(?:\{([a-z_,]+)\})?`", names):
                metrics[name] = row + "".join(f" `{label}`" for label in labels.split(","))
        self.assertIn("forwardauth_requests_total", metrics)
        alerts = [rule for each in chart.kind(chart.manifests("everything"), "PrometheusRule")
                  for group in each["spec"]["groups"] for rule in group["rules"]]  # fmt: skip
        self.assertGreater(len(alerts), 12)
        for alert in alerts:
            with self.subTest(alert["alert"]):
                self.assertIn(alert["labels"]["severity"], ("critical", "warning"))
                self.assertTrue(alert["annotations"]["summary"])
                asked = re.findall(r"\b([a-z_]+)\{([^}]*)\}", alert["expr"])
                self.assertTrue(asked)
                for name, labels in asked:
                    row = metrics[name.removesuffix("_bucket")]
                    pairs = re.findall(r'([a-z_]+)=~?"([^"]*)"', labels)
                    self.assertIn(("namespace", "default"), pairs)
                    for label, values in pairs:
                        if label != "namespace":
                            self.assertIn(f"`{label}`", row)
                            if label != "program":
                                for value in values.split("|"):
                                    self.assertIn(f"`{value}`", LOGGED)
                for label in re.findall(r"by \(([a-z_]+)\)", alert["expr"]):
                    # Prometheus adds the pod.
                    self.assertTrue(label in ("le", "pod") or f"`{label}`" in metrics[asked[0][0]])


if __name__ == "__main__":
    unittest.main()
