"""The chart helm/wicketgate: what it renders is what Kubernetes takes, and its containers can do nothing they need not.

`UPDATE_SNAPSHOTS=1` rewrites tests/helm/snapshot, and the table of values in the chart's README.
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
        known = chart.documented()
        for name, pod, _, container in self.every_container():
            for variable in container.get("env", []):
                with self.subTest(name, pod=pod, variable=variable["name"]):
                    self.assertEqual(set(variable), {"name", "value"})
                    if variable["name"] in ("PARTNER_DOMAIN", "REGION"):  # their `extraEnv`
                        continue
                    file = variable["name"].endswith("_FILE")
                    setting = variable["name"].removesuffix("_FILE")
                    self.assertIn(setting, known)
                    if file:
                        self.assertTrue(known[setting] or setting == "OIDC_CLIENT_CERT")
                    elif known[setting]:  # the path of a PEM file
                        self.assertRegex(variable["value"], "^/")

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


class Monitoring(unittest.TestCase):
    def test_rules_and_dashboard_are_those_that_are_checked(self):
        files = chart.CHART / "files"
        documents = chart.manifests("everything")
        [rules] = json.loads(chart.read((files / "rules.yaml").read_text()))
        self.assertEqual(chart.named(documents, "PrometheusRule", "wicketgate-alerts")["spec"], rules)
        dashboard = chart.named(documents, "ConfigMap", "wicketgate-dashboard")
        self.assertEqual(dashboard["data"]["wicketgate.json"], (files / "dashboard.json").read_text())
        self.assertEqual(dashboard["metadata"]["labels"]["grafana_dashboard"], "1")


if __name__ == "__main__":
    unittest.main()
