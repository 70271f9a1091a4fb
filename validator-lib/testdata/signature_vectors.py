#!/usr/bin/env python3
"""Prints signature-vectors.json: signed requests, by Python's own hmac and by docs/SIGNATURES.md alone.

Usage: python3 signature_vectors.py > signature-vectors.json
"""

import hashlib
import hmac
import json
import sys

SECRET = "the secret of both services, 32+"
V1 = ["method", "host", "path", "query", "x-request-id", "x-user-id", "x-tenant-id", "x-master-flags"]


def canonical(version, request, body, timestamp):
    content = "UNSIGNED-BODY" if body is None else hashlib.sha256(body).hexdigest()
    if version == "v0":
        return "\n".join([request["method"], request["path"], content, request["x-request-id"], str(timestamp)])
    lines = ["wicket-v1"]
    lines += [name if request[name] is None else f"{name}:{request[name]}" for name in V1]
    lines += [f"body:{content}", f"timestamp:{timestamp}"]
    return "\n".join(lines)


def case(name, version="v1", secret=SECRET, body=b"", timestamp=1_800_000_000, **changes):
    request = {
        "method": "GET", "host": "orders:8000", "path": "/orders", "query": None,
        "x-request-id": "550e8400-e29b-41d4-a716-446655440000",
        "x-user-id": None, "x-tenant-id": None, "x-master-flags": None,
    }
    request |= {key.replace("_", "-"): value for key, value in changes.items()}
    text = canonical(version, request, body, timestamp)
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "name": name, "version": version, "secret": secret, "request": request,
        "body_hex": None if body is None else body.hex(),
        "timestamp": timestamp, "canonical": text, "signature": f"{version}={mac}",
    }


FLAGS = '{"suspended":false,"system_admin":false}'
WHO = {"x_user_id": "987fcdeb-51a2-4bc3-8def-0123456789ab", "x_tenant_id": "aef", "x_master_flags": FLAGS}
CASES = [
    case("v0 without a body", "v0"),
    case("v0 with a body", "v0", body=b'{"item":"gate"}', method="POST"),
    case("v0 covers no query, host or user", "v0", query="page=2", host="elsewhere", **WHO),
    case("v1 of the least"),
    case("v1 of everything", body=b'{"item":"gate"}', method="POST", query="page=2&q=a%20b", **WHO),
    case("v1 with an empty query", query=""),
    case("v1 with empty headers", x_user_id="", x_tenant_id="", x_master_flags=""),
    case("v1 without the hash of the body", body=None, method="PUT", **WHO),
    case("v1 with a body of zeros", body=bytes(1000), method="PUT"),
    case("v1 with letters outside ASCII", x_user_id="Zo\u00eb", x_master_flags='{"title":"\u0434\u0430"}'),
    case("v1 with a colon in every value", path="/a:b", query="c:d", x_user_id="body:e", x_tenant_id=":"),
    case("v1 with an escaped line break", path="/a%0Ab", query="%0d%0a"),
    case("v1 at the epoch", timestamp=0),
    case("v1 with a long secret", secret="s" * 200),
    case("v1 of another method", method="M-SEARCH"),
]

if __name__ == "__main__":
    json.dump(CASES, sys.stdout, indent=1, ensure_ascii=True)
    print()
