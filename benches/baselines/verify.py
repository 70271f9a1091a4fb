"""Verify as a Python service does it: FastAPI, redis.asyncio and a JSON session of four kilobytes."""

import hashlib
import json
import os
import time

import redis.asyncio as redis
from fastapi import FastAPI, Request, Response

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
store = redis.from_url(os.environ["REDIS_URL"], max_connections=256)


def refused() -> Response:
    return Response(status_code=401, headers={"Cache-Control": "no-store"})


@app.get("/auth/forward")
async def verify(request: Request) -> Response:
    cookie = request.cookies.get("bff_session")
    if not cookie:
        return refused()
    key = hashlib.sha256(cookie.encode()).hexdigest()
    text = await store.get("json:session:" + key)
    if text is None:
        return refused()
    session = json.loads(text)
    if session["expires_at"] <= time.time():
        return refused()
    client = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    network = client.rsplit(".", 1)[0]
    if hashlib.sha256(network.encode()).hexdigest() != session["ip_hash"]:
        return refused()
    agent = request.headers.get("user-agent", "")
    if hashlib.sha256(agent.encode()).hexdigest() != session["user_agent_hash"]:
        return refused()
    headers = {
        "X-User-ID": session["user_id"],
        "X-Session-ID": key,
        "X-Auth-Time": str(session["auth_time"]),
        "X-Tenant-Id": "",
        "X-Tenant-Slug": "",
        "X-User-Roles": ",".join(session["roles"]),
        "X-Master-Flags": "",
        "Cache-Control": "no-store",
    }
    return Response(status_code=200, headers=headers)
