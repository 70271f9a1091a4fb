"""What helm/wicketgate renders fits together: who selects, finds; who may reach whom; what is there stays over an upgrade."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402
import fakekube  # noqa: E402

WORKLOADS = ("Deployment", "DaemonSet")


def chosen(selector, labels):
    return selector.items() <= labels.items()


def pod_labels(documents):
    return [each["spec"]["template"]["metadata"]["labels"] for each in chart.kind(documents, *WORKLOADS)]


class Selectors(unittest.TestCase):
    def test_whatever_selects_pods_selects_those_of_one_program(self):
        for name in chart.SETS:
            documents = chart.manifests(name)
            pods = pod_labels(documents)
            for each in documents:
                spec = each.get("spec", {})
                if each["kind"] == "Service":
                    selector = spec["selector"]
                elif each["kind"] == "NetworkPolicy":
                    selector = spec["podSelector"]["matchLabels"]
                elif each["kind"] in ("PodDisruptionBudget", *WORKLOADS):
                    selector = spec["selector"]["matchLabels"]
                else:
                    continue
                with self.subTest(name, kind=each["kind"], object=each["metadata"]["name"]):
                    self.assertEqual(len([labels for labels in pods if chosen(selector, labels)]), 1)

    def test_ports_accounts_targets_and_routes_lead_to_what_there_is(self):
        for name in chart.SETS:
            documents = chart.manifests(name)
            workloads = {each["metadata"]["name"]: each for each in chart.kind(documents, *WORKLOADS)}
            services = {each["metadata"]["name"]: each for each in chart.kind(documents, "Service")}
            accounts = {each["metadata"]["name"] for each in chart.kind(documents, "ServiceAccount")}
            middlewares = {each["metadata"]["name"] for each in chart.kind(documents, "Middleware")}
            with self.subTest(name):
                for workload in workloads.values():
                    pod = workload["spec"]["template"]["spec"]
                    self.assertIn(pod["serviceAccountName"], accounts)
                    [container] = pod["containers"]
                    ports = {port["name"] for port in container["ports"]}
                    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                        self.assertEqual(container[probe]["httpGet"]["port"], "admin")
                    for service in services.values():
                        if chosen(service["spec"]["selector"], workload["spec"]["template"]["metadata"]["labels"]):
                            self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, ports)
                for scaler in chart.kind(documents, "HorizontalPodAutoscaler"):
                    self.assertIn(scaler["spec"]["scaleTargetRef"]["name"], workloads)
                for monitor in chart.kind(documents, "ServiceMonitor"):
                    labels = monitor["spec"]["selector"]["matchLabels"]
                    [found] = [each for each in services.values() if chosen(labels, each["metadata"]["labels"])]
                    self.assertTrue(found["metadata"]["name"].endswith("-admin"))
                for route in chart.kind(documents, "IngressRoute"):
                    for rule in route["spec"]["routes"]:
                        self.assertLessEqual({each["name"] for each in rule["middlewares"]}, middlewares)
                        # What is for no route is in none.
                        self.assertNotIn("-admin", rule["services"][0]["name"])
                for route in chart.kind(documents, "HTTPRoute"):
                    for rule in route["spec"]["rules"]:
                        filters = {each["extensionRef"]["name"] for each in rule["filters"]}
                        self.assertLessEqual(filters, middlewares)

    def test_each_form_is_as_it_was_asked_for(self):
        documents = chart.manifests("default")
        bff = chart.named(documents, "Service", "wicketgate-bff")
        self.assertEqual(bff["spec"]["sessionAffinity"], "ClientIP")
        for name in ("wicketgate-bff", "wicketgate-forwardauth"):
            [container] = chart.named(documents, "Deployment", name)["spec"]["template"]["spec"]["containers"]
            self.assertEqual(container["resources"]["requests"], {"cpu": "250m", "memory": "256Mi"})
            self.assertEqual(container["resources"]["limits"], {"cpu": "500m", "memory": "512Mi"})
        documents = chart.manifests("daemonset")
        chart.named(documents, "DaemonSet", "wicketgate-forwardauth")
        service = chart.named(documents, "Service", "wicketgate-forwardauth")
        self.assertEqual(service["spec"]["internalTrafficPolicy"], "Local")
        for name in ("sidecar", "without-forwardauth"):
            names = [each["metadata"]["name"] for each in chart.kind(chart.manifests(name), *WORKLOADS, "NetworkPolicy")]
            self.assertEqual(set(names), {"wicketgate-bff"})
        self.assertNotIn("traefik.io", chart.text("without-forwardauth"))

    def test_the_admin_listeners_are_reached_by_whom_the_values_name(self):
        documents = chart.manifests("everything")

        def sources(name, port):
            rules = chart.named(documents, "NetworkPolicy", name)["spec"]["ingress"]
            found = [rule["from"] for rule in rules if port in [each["port"] for each in rule["ports"]]]
            self.assertEqual(len(found), 1)
            return found[0]

        def component(peer):
            return peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/component")

        admin = sources("wicketgate-bff", 9000)
        self.assertEqual([component(peer) for peer in admin if component(peer)], ["forwardauth", "test"])
        self.assertIn({"ipBlock": {"cidr": "10.1.0.0/24"}}, admin)
        self.assertNotIn({"ipBlock": {"cidr": "10.1.0.0/24"}}, sources("wicketgate-forwardauth", 9001))
        for name, port in (("wicketgate-bff", 8000), ("wicketgate-forwardauth", 8001)):
            traefik, test = sources(name, port)
            self.assertEqual(traefik["namespaceSelector"]["matchLabels"], {"kubernetes.io/metadata.name": "traefik"})
            self.assertEqual(component(test), "test")
        # An empty list of peers would mean everybody.
        for policy in chart.kind(documents, "NetworkPolicy"):
            for rule in policy["spec"]["ingress"]:
                self.assertTrue(rule["from"] and rule["ports"])


class Upgrade(unittest.TestCase):
    def test_generated_certificates_stay_until_they_are_for_other_names(self):
        documents = chart.manifests("default")
        secret = chart.named(documents, "Secret", "wicketgate-forwardauth-tls")
        release = {"meta.helm.sh/release-name": "wicketgate", "meta.helm.sh/release-namespace": "default"}
        secret["metadata"]["annotations"].update(release)
        for each in documents:
            if each is not secret:  # there so that their kinds are known, and not as the release's own
                each["metadata"]["namespace"] = "elsewhere"
        kube = fakekube.FakeKube(documents, {})
        self.addCleanup(kube.close)
        server = ("--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", kube.url, "--kube-token", "any")
        again = chart.text("default", *server)
        for content in secret["data"].values():
            self.assertIn(content, again)
        renamed = chart.text("default", "--set", "tls.extraDnsNames={verify.example.com}", *server)
        for content in secret["data"].values():
            self.assertNotIn(content, renamed)


if __name__ == "__main__":
    unittest.main()
