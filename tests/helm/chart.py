"""The chart as Helm renders it."""

import base64
import functools
import json
import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm" / "wicketgate"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PARTS = pathlib.Path(os.environ.get("WICKETGATE_PARTS_DIR", TARGET / "parts"))
HELM = PARTS / "helm" / "helm"
# Each stands on top of `default`, which is what has no default.
SETS = ("default", "daemonset", "sidecar", "cert-manager", "csi", "gateway", "without-forwardauth", "tenants", "everything")


class Refused(Exception):
    """Helm does not render these values."""


def helm(*arguments):
    """Helm with nothing of the machine's own configuration: (status, output)."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(TARGET), "HELM_NO_PLUGINS": "1"}
    command = [str(HELM), *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def files(name):
    names = ("default",) if name == "default" else ("default", name)
    return [argument for each in names for argument in ("--values", HERE / "values" / f"{each}.yaml")]


@functools.cache
def text(name, *more):
    """The manifests of a set of values, as YAML."""
    status, output = helm("template", "wicketgate", CHART, "--namespace", "default", *files(name), *more)
    if status != 0:
        raise Refused(output)
    return output


def manifests(name, *more):
    """The manifests of a set of values, as objects. Theirs who asks: no two calls share any."""
    return json.loads(read(text(name, *more)))


@functools.cache
def read(yaml, *options):
    script = PARTS / "helm" / "tests" / "helm" / "manifests.mjs"
    command = ["node", "--preserve-symlinks", "--preserve-symlinks-main", str(script), *options]
    return subprocess.run(command, input=yaml, stdout=subprocess.PIPE, text=True, check=True).stdout


def problems(yaml):
    """What the API server would not take."""
    return read(yaml, "--validate", str(PARTS / "helm" / "schemas")).splitlines()


def named(documents, kind, name):
    [found] = [each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def kind(documents, *kinds):
    return [each for each in documents if each["kind"] in kinds]


def pods(documents):
    """(name, spec) of every pod: of workloads, of tests, and of Traefik with forwardauth beside it."""
    for each in documents:
        if each["kind"] in ("Deployment", "DaemonSet"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        if each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
        if each["metadata"]["name"].endswith("-sidecar"):
            [values] = json.loads(read(each["data"]["values.yaml"]))
            deployment = values["deployment"]
            spec = {
                "containers": deployment["initContainers"],
                "volumes": deployment["additionalVolumes"],
                "securityContext": values["podSecurityContext"],
            }
            yield each["metadata"]["name"], spec


def environment(container):
    return {entry["name"]: entry["value"] for entry in container.get("env", [])}


def without_keys(yaml):
    """The text with what Helm generated anew replaced by a word."""
    return re.sub(r"^(  (?:ca\.crt|tls\.crt|tls\.key)): [A-Za-z0-9+/=]+$", r"\1: GENERATED", yaml, flags=re.M)


def generated_pair():
    """ca.crt, tls.crt and tls.key as the chart makes them, for localhost too."""
    more = ("--set", "tls.extraDnsNames={localhost}")
    data = named(manifests("default", *more), "Secret", "wicketgate-forwardauth-tls")["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def documented():
    """Settings of the tables in docs/CONFIGURATION.md, by name: whether it is a secret."""
    text = (ROOT / "docs" / "CONFIGURATION.md").read_text()
    rows = re.findall(r"^\| ((?:`[A-Z][A-Z0-9_]+`(?:, )?)+) \| ([^|]*) \|", text, flags=re.M)
    pairs = [(name, bool(re.search(r"\bsecret\b", default))) for names, default in rows for name in re.findall("`([A-Z0-9_]+)`", names)]
    # Other tables name them again.
    return {name: any(secret for other, secret in pairs if other == name) for name, _ in pairs}
