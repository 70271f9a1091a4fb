"""A real Traefik serves what helm/wicketgate renders, and it is what traefik/dynamic.yml says."""

import base64
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "helm"))
import chart  # noqa: E402
import edge  # noqa: E402
import fakekube  # noqa: E402

STRIP = "default-wicketgate-strip-identity@kubernetescrd"
ALICE = "bff_session=alice"
NAMES = ("--set", "tls.extraDnsNames={localhost,app.example.com}")


API = '{"name": "api", "path": "/api/", "service": {"name": "app", "port": 8080}}'


def ask_for_apis(case, scene):
    session = {"Cookie": ALICE}
    for path, headers, status, reached in [
        ("/api/orders", {}, 401, "forwardauth"),
        ("/api/orders", session, 200, "app"),
        ("/api/auth/session", {}, 200, "wicketgate-bff"),
        ("/api/v1/metrics", {}, 200, "wicketgate-bff"),
        ("/auth/login", {}, 200, "wicketgate-bff"),
    ]:
        with case.subTest(path, headers=headers):
            got, _, body = scene.ask(path, **headers)
            case.assertEqual((got, body and body["name"]), (status, reached))


def certificate():
    """A pair of the chart's own, good for verify and for the public host."""
    return chart.named(chart.manifests("default", *NAMES), "Secret", "wicketgate-forwardauth-tls")


def pair(secret):
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def decide(headers):
    """As verify: who shows no session is 401."""
    if ALICE in headers.get("Cookie", ""):
        return 200, {"X-User-ID": "alice", "X-User-Roles": "EDITOR"}
    return 401, {"WWW-Authenticate": "Cookie"}


class Scene:
    """The set of values that `name` says, in a cluster with services, before the real Traefik."""

    def __init__(self, case, name, *more, providers, strip=STRIP, port=None, others=(), bff=None):
        secret = certificate()
        tls = edge.server_tls(pair(secret))
        self.verify = edge.Stub("forwardauth", tls, decide)
        case.addCleanup(self.verify.close)
        ports = {}
        self.services = {}
        bff_tls = [edge.server_tls(pair(each)) for each in others if each["metadata"]["name"] == "wicketgate-bff-tls"]
        for service in ("wicketgate-bff", "app", "wiki", "spa"):
            self.services[service] = edge.Stub(service, *bff_tls[: service == "wicketgate-bff"])
            case.addCleanup(self.services[service].close)
            ports[service] = self.services[service].port
        ports["wicketgate-bff"] = bff or ports["wicketgate-bff"]
        settings = (f"traefik.forwardauthUrl=https://localhost:{self.verify.port}", "traefik.ingressClass=",
                    "traefik.tls.certResolver=", "traefik.tls.secretName=public")  # fmt: skip
        manifests = chart.manifests(name, *(part for setting in settings for part in ("--set", setting)), *more)
        manifests = [each for each in manifests if each["kind"] != "Secret"]
        public = {**secret, "metadata": {"name": "public"}}
        own = [edge.service("app", 8080), edge.service("wiki", 80), edge.service("spa", 8080)]
        kube = fakekube.FakeKube([*manifests, *own, secret, public, *others], ports)
        case.addCleanup(kube.close)
        kinds = ("IngressRoute",) if "kubernetesGateway" not in providers else ()
        expected = len([each for each in manifests if each["kind"] in kinds]) or 1
        options = {"endpoint": kube.url, "token": "any"}
        providers = {provider: {**options, **own} for provider, own in providers.items()}
        self.traefik = edge.Traefik(providers, strip=strip, expected=expected, port=port)
        case.addCleanup(self.traefik.close)
        self.browser = edge.Client(self.traefik.port, "app.example.com", pair(secret)["ca.crt"])
        self.browser.wait_for("/auth/login")

    def ask(self, path, method="GET", **headers):
        return self.browser.ask(path, method, **headers)


class Edge(unittest.TestCase):
    maxDiff = None

    def test_traefik_serves_the_routes_and_complains_of_none(self):
        for safe, separator in ((False, "-"), (True, "_")):
            with self.subTest(safe_naming=safe):
                strip = f"default{separator}wicketgate-strip-identity@kubernetescrd"
                scene = Scene(self, "everything", providers={"kubernetesCRD": {"safeNaming": safe}}, strip=strip)
                routers = scene.traefik.routers()
                self.assertEqual({each["status"] for each in routers}, {"enabled"}, routers)
                self.assertEqual(len(routers), 6)
                middlewares = scene.traefik.middlewares()
                self.assertEqual({each["status"] for each in middlewares.values()}, {"enabled"})
                self.assertEqual(scene.traefik.complaints(), [])

    def test_a_table_of_requests(self):
        scene = Scene(self, "everything", providers={"kubernetesCRD": {}})
        session = {"Cookie": ALICE}
        for path, headers, status, reached in [
            ("/auth/login", {}, 200, "wicketgate-bff"),
            ("/auth/callback?code=1&state=2", {}, 200, "wicketgate-bff"),
            ("/.well-known/jwks.json", {}, 200, "wicketgate-bff"),
            ("/api/orders", session, 200, "wicketgate-bff"),
            ("/auth/verify", session, 404, None),
            ("/auth/forward", session, 404, None),
            ("/auth/forward/more", session, 404, None),
            ("/app/", {}, 401, "forwardauth"),
            ("/app/", {"Cookie": "bff_session=mallory"}, 401, "forwardauth"),
            ("/app/", session, 200, "app"),
            ("/app/wiki/", {}, 401, "forwardauth"),
            ("/app/wiki/", session, 200, "wiki"),
            ("/", {}, 200, "spa"),
            ("/a/page", {}, 200, "spa"),
            ("/app%2fwiki", session, 400, None),
        ]:
            with self.subTest(path, headers=headers):
                got, told, body = scene.ask(path, **headers)
                self.assertEqual((got, body and body["name"]), (status, reached))
                if status == 200 and reached != "forwardauth":
                    self.assertEqual(told["x-content-type-options"], "nosniff")
                    self.assertEqual("content-security-policy" in told, reached != "wicketgate-bff")

    def test_the_apis_can_be_asked_directly_behind_verify(self):
        ask_for_apis(self, Scene(self, "default", "--set-json", f"traefik.protected=[{API}]", providers={"kubernetesCRD": {}}))

    def test_verify_hears_of_the_request_and_the_policy_and_the_service_of_the_user(self):
        scene = Scene(self, "everything", providers={"kubernetesCRD": {}})
        spoofed = {"X-User-ID": "root", "Remote-User": "root", "X-Wiki-Team": "root", "X_User_ID": "root",
                   "X-Forwarded-Uri": "/public", "X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer own"}  # fmt: skip
        _, _, body = scene.ask("/app/?q=1", Cookie=f"{ALICE}; theme=dark", **spoofed)
        heard = {name.lower(): value for name, value in body["headers"].items()}
        self.assertEqual((heard["x-user-id"], heard["x-user-roles"]), ("alice", "EDITOR"))
        for name in ("cookie", "remote-user", "x-wiki-team", "x_user_id", "authorization"):
            self.assertNotIn(name, heard)
        [(address, asked)] = scene.verify.seen
        self.assertEqual(address, "/auth/forward")
        self.assertEqual(asked["X-Forwarded-Uri"], "/app/?q=1")
        self.assertEqual((asked["X-Forwarded-Host"], asked["X-Forwarded-For"]), ("app.example.com", "127.0.0.1"))
        # `keepCookies`, and a policy.
        _, _, body = scene.ask("/app/wiki/", Cookie=f"{ALICE}; theme=dark")
        self.assertEqual(body["headers"]["cookie"], f"{ALICE}; theme=dark")
        self.assertEqual(scene.verify.seen[-1][0], "/auth/forward?policy=wiki")
        # What routes without ForwardAuth lead to hears nothing of a client's own words either.
        _, _, body = scene.ask("/api/orders", **spoofed)
        self.assertNotIn("root", " ".join(body["headers"].values()))

    def test_bff_is_asked_over_tls_and_believed_by_its_own_authority_alone(self):
        more = ("--set", "bff.tls.enabled=true")
        good = chart.named(chart.manifests("default", *more), "Secret", "wicketgate-bff-tls")
        scene = Scene(self, "default", *more, providers={"kubernetesCRD": {}}, others=(good,))
        self.assertEqual(scene.ask("/api/orders")[2]["name"], "wicketgate-bff")
        # Another authority's certificate, for the same name.
        other = chart.named(chart.manifests("default", *more, *NAMES), "Secret", "wicketgate-bff-tls")
        stranger = edge.Stub("stranger", edge.server_tls(pair(other)))
        self.addCleanup(stranger.close)
        scene = Scene(self, "default", *more, providers={"kubernetesCRD": {}}, others=(good,), bff=stranger.port)
        self.assertEqual(scene.ask("/api/orders")[0], 500)
        self.assertEqual(stranger.seen, [])

    def test_a_preflight_is_answered_before_verify_and_for_listed_origins_alone(self):
        scene = Scene(self, "everything", providers={"kubernetesCRD": {}})
        preflight = {"Access-Control-Request-Method": "POST"}
        _, told, _ = scene.ask("/app/", "OPTIONS", Origin="https://spa.example.com", **preflight)
        self.assertEqual(told["access-control-allow-origin"], "https://spa.example.com")
        _, told, _ = scene.ask("/app/", "OPTIONS", Origin="https://evil.example.net", **preflight)
        self.assertNotIn("access-control-allow-origin", told)
        self.assertEqual(scene.verify.seen, [])
        status, told, _ = scene.ask("/app/", Origin="https://spa.example.com")
        self.assertEqual((status, told["access-control-allow-origin"]), (401, "https://spa.example.com"))

    def test_middlewares_and_routes_are_those_of_the_file_provider(self):
        scene = Scene(self, "everything", "--set-json", 'hosts=["app.example.com"]', providers={"kubernetesCRD": {}})
        secret = pair(certificate())
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, content in secret.items():
            (pathlib.Path(folder.name) / name).write_text(content)
        environment = {
            "WICKETGATE_HOST": "app.example.com",
            "WICKETGATE_FORWARDAUTH_URL": f"https://localhost:{scene.verify.port}",
            "WICKETGATE_FORWARDAUTH_CA": f"{folder.name}/ca.crt",
            "WICKETGATE_TLS_CERT": f"{folder.name}/tls.crt",
            "WICKETGATE_TLS_KEY": f"{folder.name}/tls.key",
            "WICKETGATE_CORS_ORIGINS": "https://spa.example.com,https://admin.example.com",
            "WICKETGATE_POLICIES": "wiki",
            "WICKETGATE_HEADERS": "X-Wiki-Team",
            "WICKETGATE_ERRORS_URL": "http://spa:8080",
        }
        file = {"file": {"filename": str(chart.ROOT / "traefik" / "dynamic.yml"), "watch": False}}
        other = edge.Traefik(file, environment=environment, expected=6)
        self.addCleanup(other.close)

        def kept(each):
            left = {key: value for key, value in each.items() if key not in ("name", "provider", "status", "usedBy")}
            if "forwardAuth" in left:
                # The same authority: its text here, its file there.
                left["forwardAuth"]["tls"] = bool(left["forwardAuth"]["tls"]["ca"])
            if "errors" in left:
                left["errors"]["service"] = bool(left["errors"]["service"])
            return left

        ours = {name.removeprefix("default-wicketgate-"): kept(each) for name, each in scene.traefik.middlewares().items()}
        theirs = {name.removeprefix("wicketgate-"): kept(each) for name, each in other.middlewares().items()}
        chains = {name: ours.pop(name) for name in ("protected", "protected-wiki")}
        self.assertEqual(ours, theirs)

        def guards(router, prefix):
            names = [name.split("@")[0].removeprefix(prefix).removeprefix("wicketgate-") for name in router["middlewares"]]
            return [name for name in names if name != "strip-identity"]

        by_rule = {each["rule"]: guards(each, "") for each in other.routers()}
        for router in scene.traefik.routers():
            rule = router["rule"]
            if "verify" in rule:
                rule = rule.split(" && ", 1)[1].removeprefix("(").removesuffix(")")
            found = guards(router, "default-")
            if rule.endswith("/app/wiki/`)"):  # `keepCookies`
                found.insert(found.index("breaker"), "drop-cookies")
            self.assertEqual(found, by_rule.pop(rule), rule)
        self.assertEqual(by_rule, {})
        names = [name.split("@")[0].removeprefix("default-wicketgate-") for name in chains["protected"]["chain"]["middlewares"]]
        self.assertEqual(names[0], "strip-identity")
        protected = [each for each in other.routers() if each["name"] == "protected@file"][0]
        self.assertEqual(names[1:], guards(protected, "")[guards(protected, "").index("security-headers") :])


class Gateway(unittest.TestCase):
    def scene(self, *more):
        port = edge.free_port()
        api = "gateway.networking.k8s.io/v1"
        kind = {"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "traefik"},
                "spec": {"controllerName": "traefik.io/gateway-controller"}}  # fmt: skip
        listener = {"name": "websecure", "port": port, "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}},
                    "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": "public"}]}}  # fmt: skip
        gateway = {"apiVersion": api, "kind": "Gateway", "metadata": {"name": "public"},
                   "spec": {"gatewayClassName": "traefik", "listeners": [listener]}}  # fmt: skip
        return Scene(self, "everything", "--set", "traefik.ingressRoutes=false", *more, port=port, others=(kind, gateway),
                     providers={"kubernetesCRD": {}, "kubernetesGateway": {}})  # fmt: skip

    def test_the_apis_can_be_asked_directly_behind_verify(self):
        ask_for_apis(self, self.scene("--set-json", f"traefik.protected=[{API}]"))

    def test_the_http_route_leads_where_the_ingress_routes_do(self):
        scene = self.scene()
        session = {"Cookie": ALICE}
        for path, headers, status, reached in [
            ("/auth/login", {}, 200, "wicketgate-bff"),
            ("/.well-known/jwks.json", {}, 200, "wicketgate-bff"),
            ("/api/orders", {"X-User-ID": "root"}, 200, "wicketgate-bff"),
            ("/auth/verify", session, 404, None),
            ("/auth/forward/more", session, 404, None),
            ("/app/", {}, 401, "forwardauth"),
            ("/app/", session, 200, "app"),
            ("/app/wiki/", session, 200, "wiki"),
            ("/", {}, 200, "spa"),
        ]:
            with self.subTest(path, headers=headers):
                got, _, body = scene.ask(path, **headers)
                self.assertEqual((got, body and body["name"]), (status, reached))
                if reached in ("wicketgate-bff", "spa"):
                    self.assertNotIn("x-user-id", body["headers"])
                if reached == "app":
                    self.assertEqual(body["headers"]["x-user-id"], "alice")
        self.assertEqual({each["status"] for each in scene.traefik.routers()}, {"enabled"})


if __name__ == "__main__":
    unittest.main()
