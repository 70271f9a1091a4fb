"""A real Traefik that reads rendered manifests, and stand-ins for what it leads to. All on loopback, on free ports."""

import http.client
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import chart

PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stub:
    """A service that tells its name and what reached it. `decide` makes a verify of it: from a request's headers to
    (status, headers)."""

    def __init__(self, name, tls=None, decide=None):
        self.seen = []
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                stub.seen.append((self.path, dict(self.headers.items())))
                status, headers = decide(self.headers) if decide else (200, {})
                told = {"name": name, "path": self.path, "headers": {key.lower(): value for key, value in self.headers.items()}}
                body = b"" if decide and status == 200 else json.dumps(told).encode()
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_OPTIONS = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Traefik:
    """Traefik with the entry point of traefik/static.yml and `providers`, until `close`."""

    def __init__(self, providers, strip=None, environment=None, expected=0, port=None):
        self.folder = tempfile.TemporaryDirectory(prefix="wicketgate-helm-")
        [static] = json.loads(chart.read((chart.ROOT / "traefik" / "static.yml").read_text()))
        self.port, self.internal = port or free_port(), free_port()
        websecure = static["entryPoints"]["websecure"]
        websecure["address"] = f"127.0.0.1:{self.port}"
        if strip:
            websecure["http"]["middlewares"] = [strip]
        static["entryPoints"] = {"websecure": websecure, "traefik": {"address": f"127.0.0.1:{self.internal}"}}
        static["entryPoints"]["traefik"]["http"] = {"aliasHeadersStrategy": "delete"}
        static.update(providers=providers, api={"insecure": True, "dashboard": False}, ping={}, log={"level": "INFO", "format": "json"})
        del static["metrics"], static["accessLog"]
        path = pathlib.Path(self.folder.name)
        (path / "static.yml").write_text(json.dumps(static))
        self.log = path / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(chart.PARTS / "traefik" / "bin" / "traefik"), f"--configFile={path / 'static.yml'}"],
                env={"PATH": "/usr/bin:/bin", "HOME": self.folder.name, **(environment or {})},
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self.wait_for(expected)
        except BaseException:
            self.close()
            raise

    def wait_for(self, expected):
        """Until so many routers besides Traefik's own, and all that there are, can be used."""
        end = time.monotonic() + PATIENCE
        while True:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"Traefik has not {expected} routers:\n{self.log.read_text()}")
            try:
                states = [each["status"] for each in self.routers()]
                if len(states) >= expected and set(states) <= {"enabled"}:
                    return
            except OSError:
                pass
            time.sleep(0.05)

    def routers(self):
        return [each for each in self.api("/api/http/routers") if each["provider"] != "internal"]

    def middlewares(self):
        return {each["name"].split("@")[0]: each for each in self.api("/api/http/middlewares") if each["provider"] != "internal"}

    def api(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.internal, timeout=10)
        try:
            connection.request("GET", f"{path}?per_page=1000")
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{path} is {answer.status}")
            return json.loads(answer.read())
        finally:
            connection.close()

    def complaints(self):
        """What Traefik wrote at a level above INFO."""
        lines = [line for line in self.log.read_text().splitlines() if line]
        return [line for line in lines if json.loads(line)["level"] not in ("info", "debug")]

    def close(self):
        self.process.kill()  # it would wait for its grace periods
        self.process.wait()
        self.folder.cleanup()


class Client:
    """Asks Traefik for `host`, and believes `authority` alone."""

    def __init__(self, port, host, authority):
        self.port, self.host = port, host
        self.context = ssl.create_default_context(cadata=authority)

    def wait_for(self, path):
        """Until `path` is not 404: Traefik tells of routers a moment before it uses them."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                status = self.ask(path)[0]
            except OSError as error:
                status = error
            if isinstance(status, int) and status != 404:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{path} is {status}")
            time.sleep(0.05)

    def ask(self, path, method="GET", **headers):
        """(status, headers, body as JSON where it is)."""
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=20)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sock = self.context.wrap_socket(plain, server_hostname=self.host)
        try:
            connection.request(method, path, headers={"Host": self.host, **headers})
            answer = connection.getresponse()
            body = answer.read()
            told = {key.lower(): value for key, value in answer.getheaders()}
            try:
                return answer.status, told, json.loads(body)
            except ValueError:
                return answer.status, told, None
        finally:
            connection.close()


def server_tls(pair):
    """A TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key")
        pathlib.Path(cert).write_text(pair["tls.crt"])
        pathlib.Path(key).write_text(pair["tls.key"])
        context.load_cert_chain(cert, key)
    return context


def service(name, port):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": port, "protocol": "TCP"}]}}

