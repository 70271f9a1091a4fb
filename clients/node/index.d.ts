import type { IncomingMessage, ServerResponse } from "node:http";

/** What a service takes. */
export interface Settings {
  /** The kind of issuer, `rfc9068` unless set. Context tokens of Wicketgate need `jwksUri`. */
  profile?: "rfc9068" | "entra" | "keycloak" | "cognito" | "auth0" | "wicket-context";
  /** The origin that clients know, as in `https://api.example.com`: DPoP-bound tokens are taken. */
  origin?: string;
  /** Where the keys are; unless set, the issuer's metadata says it. */
  jwksUri?: string;
  /** The keys themselves. For tests. */
  jwks?: { keys: object[] };
  /** The time, in seconds since the epoch. For tests. */
  now?: number;
}

/** What a token has to give; all of it. */
export interface Needs {
  scopes?: string[];
  roles?: string[];
  permissions?: string[];
  /** Strengths of the login, one of which will do. */
  acr?: string[];
  /** How long ago the login may have been, in seconds. */
  maxAge?: number;
}

/** An access token that was accepted with the request it came with. */
export interface Token {
  readonly subject: string;
  readonly issuer: string;
  readonly clientId?: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A request that is not let in, and the whole answer to it. Whatever is not the sender's fault is 503. */
export class Refusal extends Error {
  readonly status: number;
  /** Names and values; a name may be there more than once. */
  readonly headers: readonly (readonly [string, string])[];
  /** A problem document (RFC 9457). */
  readonly body: string;
  /** A stable code for logs and metrics, and for no client. */
  readonly reason: string;
  /** Answers with it. */
  send(response: ServerResponse): void;
}

/** The check of one service, for any number of requests at once. */
export class Validator {
  /**
   * The issuer's metadata and keys are fetched with the first request, and renewed by themselves.
   * @throws for settings with which it could never work
   */
  constructor(issuer: string, audience: string, settings?: Settings);

  /**
   * The token of a request, which gives all that is asked for. `authorization` and `dpop` have the value of every header
   * of that name: a header that is there twice is refused, so do not join them.
   * @throws {Refusal}
   */
  check(
    method: string,
    path: string,
    authorization: readonly string[],
    more?: Needs & { dpop?: readonly string[] },
  ): Promise<Token>;

  /** A middleware of Express, or of anything else before Node's own HTTP: who is let in has a token at `request.token`. */
  requires(
    needs?: Needs,
  ): (request: IncomingMessage & { token?: Token }, response: ServerResponse, next: (error?: unknown) => void) => Promise<void>;
}
