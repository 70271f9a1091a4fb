"""Checks the access tokens that reach a service: signature, issuer, audience, lifetime, DPoP, scopes, roles.

    validator = Validator("https://auth.example.com", "https://api.example.com")
    token = await validator.check("GET", "/orders", [request.headers["authorization"]])
    token.subject

With FastAPI: `wicketgate.fastapi`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _native

__all__ = ["Refusal", "Token", "Validator"]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that was accepted with the request it came with."""

    subject: str
    issuer: str
    client_id: str | None
    expires_at: int
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    claims: dict[str, Any] = field(repr=False)


class Refusal(Exception):
    """A request that is not let in, and the whole answer to it.

    `reason` is for logs and metrics, and for no client. Whatever is not the sender's fault is 503.
    """

    def __init__(self, status: int, headers: list[tuple[str, str]], body: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers
        self.body = body
        self.reason = reason


class Validator:
    """The check of one service, for any number of requests at once.

    The issuer's metadata and keys are fetched with the first request, and renewed by themselves. `profile` is one of
    `rfc9068` (unless set), `entra`, `keycloak`, `cognito`, `auth0`, and `wicket-context` for the context tokens of
    Wicketgate, which needs `jwks_uri`. With `origin`, DPoP-bound tokens are taken. `jwks` (a key set as JSON) and `now`
    (seconds since the epoch) are for tests.

    Raises ValueError for settings with which it could never work.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        profile: str | None = None,
        origin: str | None = None,
        jwks_uri: str | None = None,
        jwks: str | None = None,
        now: int | None = None,
    ) -> None:
        self._native = _native.Validator(issuer, audience, profile, origin, jwks_uri, jwks, now)

    async def check(
        self,
        method: str,
        path: str,
        authorization: Iterable[str | bytes],
        *,
        dpop: Iterable[str | bytes] = (),
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
        permissions: Sequence[str] = (),
        acr: Sequence[str] = (),
        max_age: int | None = None,
    ) -> Token:
        """The token of a request, which gives all that is asked for.

        `authorization` and `dpop` have the value of every header of that name: a header that is there twice is
        refused, so do not join them. Raises Refusal.
        """
        token, refused = await self._native.check(
            method, path, _lines(authorization), _lines(dpop), _names(scopes), _names(roles), _names(permissions),
            _names(acr), max_age,
        )
        if refused is not None:
            raise Refusal(*refused)
        subject, issuer, client_id, expires_at, *names, claims = token
        return Token(subject, issuer, client_id, expires_at, *map(tuple, names), claims=json.loads(claims))


def _lines(values: Iterable[str | bytes]) -> list[bytes]:
    if isinstance(values, (str, bytes)):
        raise TypeError("the values of all headers of that name, in a list")
    # As servers hand headers on (PEP 3333): each character is a byte.
    return [value if isinstance(value, bytes) else value.encode("latin-1") for value in values]


def _names(names: Sequence[str]) -> list[str]:
    if isinstance(names, str):
        raise TypeError("names, in a list")
    return list(names)
