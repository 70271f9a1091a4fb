// Owns: the check as Node has it: promises, errors, and a middleware of Express. The check itself is wicketgate.node.
"use strict";

const native = require("./wicketgate.node");

class Refusal extends Error {
  constructor({ status, headers, body, reason }) {
    super(reason);
    this.name = "Refusal";
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.reason = reason;
  }

  send(response) {
    response.statusCode = this.status;
    for (const [name, value] of this.headers) response.appendHeader(name, value);
    response.end(this.body);
  }
}

class Validator {
  #native;

  constructor(issuer, audience, { profile, origin, jwksUri, jwks, now } = {}) {
    if (typeof issuer !== "string" || typeof audience !== "string") throw new TypeError("issuer and audience are strings");
    const keys = jwks === undefined ? undefined : JSON.stringify(jwks);
    this.#native = new native.Validator({ issuer, audience, profile, origin, jwksUri, jwks: keys, now });
  }

  async check(method, path, authorization, { dpop = [], ...needs } = {}) {
    const { token, refusal } = await this.#native.check({
      method, path, authorization: lines(authorization), dpop: lines(dpop), ...all(needs),
    });
    if (refusal) throw new Refusal(refusal);
    return Object.freeze({ ...token, claims: JSON.parse(token.claims) });
  }

  // A middleware: who is let in has a token at `request.token`.
  requires(needs = {}) {
    const asked = all(needs);
    return async (request, response, next) => {
      try {
        // `originalUrl` is what the client sent, also in a router that is mounted below a path.
        const path = (request.originalUrl ?? request.url).split("?", 1)[0];
        const { authorization = [], dpop = [] } = request.headersDistinct;
        request.token = await this.check(request.method, path, authorization, { dpop, ...asked });
      } catch (error) {
        if (error instanceof Refusal) return error.send(response);
        return next(error);
      }
      next();
    };
  }
}

// A name that nobody knows would be a check that nobody makes.
function all({ scopes = [], roles = [], permissions = [], acr = [], maxAge, ...unknown }) {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new TypeError(`nothing is called ${name}`);
  for (const names of [scopes, roles, permissions, acr]) {
    if (!Array.isArray(names)) throw new TypeError("names, in an array");
  }
  return { scopes, roles, permissions, acr, maxAge };
}

function lines(values) {
  if (!Array.isArray(values)) throw new TypeError("the values of all headers of that name, in an array");
  return values;
}

module.exports = { Refusal, Validator };
