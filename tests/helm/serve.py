"""Serves manifests to a Traefik as an API server would, and writes its address: `serve.py FILE... -- NAME=PORT[,PORT...] ...`,
where NAME is a Service and its pods are on loopback. For tests that are not written in Python."""

import json
import pathlib
import sys
import threading

import chart
import fakekube

divide = sys.argv.index("--")
manifests = [each for name in sys.argv[1:divide] for each in json.loads(chart.read(pathlib.Path(name).read_text()))]
pods = {name: [int(port) for port in ports.split(",")] for name, _, ports in (each.partition("=") for each in sys.argv[divide + 1 :])}
print(fakekube.FakeKube(manifests, pods).url, flush=True)
threading.Event().wait()
