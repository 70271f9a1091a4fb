// Replays the vectors of the Rust crate, and stands before a server of Node.
//
// Usage: node test.mjs MODULE VECTORS PACKAGES   MODULE is the folder with index.js and wicketgate.node, PACKAGES one in which
// Express is installed

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import test from "node:test";

const [, , module, folder, packages] = process.argv;
const { Refusal, Validator } = createRequire(import.meta.url)(module);
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
const make = (vectors, profile) =>
  new Validator(vectors.issuer, vectors.audience, { profile, jwks: vectors.jwks, now: vectors.now });

async function told(validator, authorization) {
  try {
    await validator.check("GET", "/orders", [authorization]);
    return [200, null];
  } catch (error) {
    assert(error instanceof Refusal, error);
    return [error.status, error.reason];
  }
}

test("access tokens get the answers of the Rust crate", async () => {
  const vectors = read("tokens.json");
  const validator = make(vectors);
  for (const { name, authorization, status, reason } of vectors.cases) {
    assert.deepEqual(await told(validator, authorization), [status, reason], name);
  }
});

test("context tokens get the answers of the Rust crate", async () => {
  const vectors = read("context.json");
  const validator = make(vectors, "wicket-context");
  for (const { name, token, good } of vectors.cases) {
    const [status] = await told(validator, `Bearer ${token}`);
    assert.equal(status === 200, good, name);
  }
});

test("settings and needs with a slip of the pen are refused", async () => {
  assert.throws(() => new Validator("i", "a", { profile: "no such" }));
  assert.throws(() => make(read("context.json")).requires({ scope: ["orders:read"] }), TypeError);
  await assert.rejects(make(read("context.json")).check("GET", "/", "Bearer x"), TypeError);
});

test("an issuer that does not answer holds up no timer", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  let done = false;
  const waiting = new Validator(`http://127.0.0.1:${silent.address().port}`, "a").check("GET", "/", ["Bearer a.b.c"]);
  const ended = waiting.catch((error) => error).then((error) => ((done = true), error));
  for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate);
  assert.equal(done, false);
  silent.closeAllConnections();
  silent.close();
  assert.equal((await ended).status, 503);
});

test("the middleware lets in who may, and answers who may not", async () => {
  const vectors = read("context.json");
  const validator = make(vectors, "wicket-context");
  const routes = { "/orders": { scopes: ["orders:read"] }, "/settings": { roles: ["OWNER"] } };
  const server = createServer((request, response) =>
    validator.requires(routes[request.url])(request, response, () => response.end(request.token.subject)),
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const ask = (path, headers) => fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
  const good = { authorization: `Bearer ${vectors.cases[0].token}` };
  assert.equal(await (await ask("/orders", good)).text(), "alice");
  for (const [answer, status, challenge] of [
    [await ask("/orders", {}), 401, "Bearer"],
    [await ask("/orders", { authorization: "Bearer a.b.c" }), 401, 'Bearer error="invalid_token"'],
    [await ask("/settings", good), 403, 'Bearer error="insufficient_scope"'],
  ]) {
    assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [status, challenge]);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.equal((await answer.json()).status, status);
  }
  server.close();
});

test("Express takes the middleware, in a router that is mounted below a path as well", async () => {
  const express = createRequire(`${packages}/`)("express");
  const vectors = read("context.json");
  const validator = make(vectors, "wicket-context");
  const orders = express.Router();
  orders.get("/mine", validator.requires({ scopes: ["orders:read"] }), (request, response) => {
    response.json({ of: request.token.subject });
  });
  const app = express();
  app.use("/orders", orders);
  app.delete("/orders", validator.requires({ roles: ["OWNER"] }), (_, response) => response.sendStatus(204));
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const ask = (path, more) => fetch(`http://127.0.0.1:${server.address().port}${path}`, more);
  const headers = { authorization: `Bearer ${vectors.cases[0].token}` };
  assert.deepEqual(await (await ask("/orders/mine", { headers })).json(), { of: "alice" });
  assert.equal((await ask("/orders/mine")).status, 401);
  assert.equal((await ask("/orders", { method: "DELETE", headers })).status, 403);
  server.close();
});
