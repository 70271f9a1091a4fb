"""Checks a context token of Wicketgate with joserfc, and nothing of Wicketgate's.

Usage: verify.py VECTORS   tells of each token in a file of test vectors whether it is good
"""

import json
import sys

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

TYPE = "wicket-context+jwt"
ALGORITHMS = ["ES256", "EdDSA"]


def verify(token, keys, issuer, audience, now=None):
    """The claims of a good token. `keys` is what stands at `/.well-known/jwks.json`, kept for a few minutes, and
    fetched anew at most once in half a minute where a `kid` is not in it.

    Raises JoseError or ValueError for any other token: answer 401.
    """
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    if decoded.header.get("typ") != TYPE:
        raise ValueError("not a context token")
    claims = jwt.JWTClaimsRegistry(
        now=now,
        leeway=30,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    claims.validate(decoded.claims)
    return decoded.claims


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for case in vectors["cases"]:
        try:
            verify(case["token"], vectors["jwks"], vectors["issuer"], vectors["audience"], vectors["now"])
            good = True
        except (JoseError, ValueError):
            good = False
        print(json.dumps([case["name"], good]))


if __name__ == "__main__":
    main(sys.argv[1])
