"""As much of a Kubernetes API server as Traefik needs to read manifests: discovery, lists and watches. It keeps nothing of
what is written to it, and asks nobody who they are."""

import http.server
import json
import threading
import urllib.parse

CLUSTER_WIDE = ("Namespace", "Node", "IngressClass", "GatewayClass")
PLURALS = {
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "GatewayClass": "gatewayclasses",
    "BackendTLSPolicy": "backendtlspolicies",
}


def plural(kind):
    return PLURALS.get(kind, kind.lower() + "s")


def endpoint_slice(service, address, port, number=0):
    """Where a pod of a Service is: all of the Service's ports lead to one address."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-{number}", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True, "serving": True}}],
        "ports": [{"name": each.get("name", ""), "port": port, "protocol": "TCP"} for each in service["spec"]["ports"]],
    }


def default_references(route):
    """What an API server fills in."""
    parents = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    route["parentRefs"] = [{**parents, **each} for each in route["parentRefs"]]
    for rule in route["rules"]:
        backends = {"group": "", "kind": "Service", "weight": 1}
        rule["backendRefs"] = [{**backends, **each} for each in rule["backendRefs"]]


class FakeKube:
    """`manifests` over HTTP on loopback, until `close`. `pods` maps a Service's name to the port where it is served, or to
    those of its replicas."""

    def __init__(self, manifests, pods):
        self.store = {}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        for manifest in [namespace, *manifests]:
            self.put(manifest)
        for service in list(self.store[("v1", "services")]):
            ports = pods.get(service["metadata"]["name"], [])
            for number, port in enumerate(ports if isinstance(ports, list) else [ports]):
                self.put(endpoint_slice(service, "127.0.0.1", port, number))
        self.closing = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def put(self, manifest):
        metadata = manifest["metadata"]
        if manifest["kind"] not in CLUSTER_WIDE:
            metadata.setdefault("namespace", "default")
        if manifest["kind"] == "Service":
            manifest["spec"].setdefault("clusterIP", "10.0.0.1")
        if manifest["kind"] == "HTTPRoute":
            default_references(manifest["spec"])
        metadata.update(uid=f"{manifest['kind']}-{metadata['name']}", resourceVersion="1", generation=1)
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        self.store.setdefault((manifest["apiVersion"], plural(manifest["kind"])), []).append(manifest)

    def discovery(self, parts):
        """The answer to a question about groups and kinds, or None."""
        versions = sorted({version for version, _ in self.store})
        if parts == ["version"]:
            return {"major": "1", "minor": "37", "gitVersion": "v1.37.0", "platform": "linux/amd64"}
        if parts == ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        if parts == ["apis"]:
            named = [{"groupVersion": each, "version": each.split("/")[1]} for each in versions if "/" in each]
            groups = [{"name": each["groupVersion"].split("/")[0], "versions": [each], "preferredVersion": each} for each in named]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        return None

    def selected(self, group, resource, namespace, query):
        """The objects of a kind that a question means."""
        wanted = [pair.split("=", 1) for pair in query.get("labelSelector", "").split(",") if "=" in pair and "!" not in pair]
        names = [pair[1] for pair in (each.split("=", 1) for each in query.get("fieldSelector", "").split(",")) if pair[0] == "metadata.name"]
        for each in self.store.get((group, resource), []):
            metadata = each["metadata"]
            if namespace in (None, metadata.get("namespace")) and (not names or metadata["name"] in names):
                if all(metadata.get("labels", {}).get(key.rstrip("=")) == value.lstrip("=") for key, value in wanted):
                    yield each

    def handler(kube):  # noqa: N805, `self` is the handler's
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, value, status=200):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                parts = url.path.strip("/").split("/")
                found = kube.discovery(parts)
                if found is not None:
                    return self.answer(found)
                group, rest = (parts[1], parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
                if not rest:
                    kinds = {resource: kept[0]["kind"] for (each, resource), kept in kube.store.items() if each == group}
                    resources = [{"name": name, "singularName": "", "namespaced": kind not in CLUSTER_WIDE, "kind": kind,
                                  "verbs": ["get", "list", "watch"]} for name, kind in kinds.items()]  # fmt: skip
                    return self.answer({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": resources})
                namespace = None
                if rest[0] == "namespaces" and len(rest) > 2:
                    namespace, rest = rest[1], rest[2:]
                if len(rest) > 1:
                    named = {"fieldSelector": f"metadata.name={rest[1]}"}
                    for each in kube.selected(group, rest[0], namespace, named):
                        return self.answer(each)
                    return self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}, 404)
                objects = list(kube.selected(group, rest[0], namespace, query))
                if query.get("watch") in ("1", "true"):
                    return self.watch(group, rest[0], objects if query.get("sendInitialEvents") == "true" else None)
                kind = objects[0]["kind"] if objects else "Object"
                self.answer({"kind": f"{kind}List", "apiVersion": group, "metadata": {"resourceVersion": "1"}, "items": objects})

            def watch(self, group, resource, initial):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                events = [{"type": "ADDED", "object": each} for each in initial or []]
                if initial is not None:
                    kinds = {plural(kind): kind for kind in KINDS}
                    metadata = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
                    bookmark = {"apiVersion": group, "kind": kinds.get(resource, "Object"), "metadata": metadata}
                    events.append({"type": "BOOKMARK", "object": bookmark})
                for event in events:
                    self.wfile.write(json.dumps(event).encode() + b"\n")
                self.wfile.flush()
                kube.closing.wait()

            def do_PUT(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            do_PATCH = do_PUT

        return Handler


# What Traefik watches: a bookmark has to name its kind, also where there is none of it.
KINDS = (
    "Middleware", "MiddlewareTCP", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "ServersTransport",
    "ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService", "Service", "Secret", "ConfigMap", "Node", "Namespace",
    "EndpointSlice", "Ingress", "IngressClass", "Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute",
    "ReferenceGrant", "BackendTLSPolicy",
)  # fmt: skip
