from collections.abc import Awaitable

_Token = tuple[str, str, str | None, int, list[str], list[str], list[str], str]
_Answer = tuple[int, list[tuple[str, str]], str, str]

class Validator:
    def __new__(
        cls,
        issuer: str,
        audience: str,
        profile: str | None,
        origin: str | None,
        jwks_uri: str | None,
        jwks: str | None,
        now: int | None,
    ) -> Validator: ...
    def check(
        self,
        method: str,
        path: str,
        authorization: list[bytes],
        dpop: list[bytes],
        scopes: list[str],
        roles: list[str],
        permissions: list[str],
        acr: list[str],
        max_age: int | None,
    ) -> Awaitable[tuple[_Token | None, _Answer | None]]: ...
