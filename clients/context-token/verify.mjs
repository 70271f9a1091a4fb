// Checks a context token of Wicketgate with jose, and nothing of Wicketgate's.
//
// Usage: node verify.mjs VECTORS   tells of each token in a file of test vectors whether it is good

import { readFileSync } from "node:fs";
import { createLocalJWKSet, errors, jwtVerify } from "jose";

/**
 * The claims of a good token. `keys` is `createRemoteJWKSet(new URL("https://app.example.com/.well-known/jwks.json"))`,
 * which keeps and renews them by itself. Throws for any other token: answer 401, or 503 where the keys cannot be had.
 */
export async function verify(token, keys, issuer, audience, now = new Date()) {
  const { payload } = await jwtVerify(token, keys, {
    algorithms: ["ES256", "EdDSA"],
    typ: "wicket-context+jwt",
    issuer,
    audience,
    requiredClaims: ["sub", "exp"],
    clockTolerance: 30,
    currentDate: now,
  });
  return payload;
}

if (process.argv[2]) {
  const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const keys = createLocalJWKSet(vectors.jwks);
  for (const { name, token } of vectors.cases) {
    let good = true;
    try {
      await verify(token, keys, vectors.issuer, vectors.audience, new Date(vectors.now * 1000));
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      good = false;
    }
    console.log(JSON.stringify([name, good]));
  }
}
