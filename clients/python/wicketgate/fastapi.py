"""The check as a dependency of FastAPI.

    validator = Validator("https://auth.example.com", "https://api.example.com")
    Reader = Annotated[Token, requires(validator, scopes=["orders:read"])]
    @app.get("/orders")
    async def orders(token: Reader): ...

`answer_refusals(app)`, once, sends refusals as they are: their challenges and a problem document. Without it they
are errors of FastAPI with the same status and headers.
"""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from . import Refusal, Token, Validator

__all__ = ["Refused", "answer_refusals", "requires"]


class Refused(HTTPException):
    """A refusal, as FastAPI knows errors."""

    def __init__(self, refusal: Refusal) -> None:
        headers: dict[str, str] = {}
        for name, value in refusal.headers:
            if name != "content-type":
                # Challenges may stand in one header (RFC 9110 section 11.6.1).
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        super().__init__(refusal.status, json.loads(refusal.body), headers)
        self.refusal = refusal


def requires(
    validator: Validator,
    *,
    scopes: Sequence[str] = (),
    roles: Sequence[str] = (),
    permissions: Sequence[str] = (),
    acr: Sequence[str] = (),
    max_age: int | None = None,
) -> Any:
    """`Depends(...)` that gives the token of a request and lets none in without what is asked for."""

    async def dependency(request: Request) -> Token:
        named = lambda name: [value for key, value in request.scope["headers"] if key == name]
        path = request.scope.get("raw_path", b"").split(b"?")[0].decode("latin-1") or request.url.path
        try:
            return await validator.check(
                request.method,
                path,
                named(b"authorization"),
                dpop=named(b"dpop"),
                scopes=scopes,
                roles=roles,
                permissions=permissions,
                acr=acr,
                max_age=max_age,
            )
        except Refusal as refusal:
            raise Refused(refusal) from refusal

    return Depends(dependency)


def answer_refusals(app: FastAPI) -> None:
    """Has `app` send refusals as they are."""

    @app.exception_handler(Refused)
    async def _answer(_: Request, refused: Refused) -> Response:
        refusal = refused.refusal
        response = Response(refusal.body, refusal.status)
        response.raw_headers += [(name.encode(), value.encode("latin-1")) for name, value in refusal.headers]
        return response
