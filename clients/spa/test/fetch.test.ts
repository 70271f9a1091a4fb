import { beforeEach, describe, expect, it, vi } from "vitest";
import { createClient, LoginRequired } from "../src/index.js";
import { alice, bob, nobody, ORIGIN, problem, world } from "./world.js";

const INVALID = { code: "csrf_token_invalid" };
const SESSION = "/api/auth/session";

let page: ReturnType<typeof world>;

beforeEach(() => {
  page = world();
  page.session(alice);
  page.at("/api/orders", () => new Response("done"));
});

const tokens = (path = "/api/orders"): (string | null)[] => page.asked(path).map((request) => request.headers.get("x-csrf-token"));

describe("the CSRF header", () => {
  it("is learned before the first request that changes something, and kept", async () => {
    const client = createClient();
    expect(await (await client.fetch("/api/orders", { method: "POST", body: "{}" })).text()).toBe("done");
    await client.fetch("/api/orders", { method: "DELETE" });
    expect(tokens()).toEqual(["alices", "alices"]);
    expect(page.asked(SESSION).map((request) => request.url)).toEqual([`${ORIGIN}${SESSION}?slide=false`]);
  });

  it("costs a request that only reads no question, and goes along once it is known", async () => {
    const client = createClient();
    await client.fetch("/api/orders");
    await client.session();
    await client.fetch("/api/orders");
    expect(tokens()).toEqual([null, "alices"]);
    expect(page.asked(SESSION)).toHaveLength(1);
  });

  it("has the name that the server was given, and that of the caller stays", async () => {
    const client = createClient({ csrfHeader: "X-Guard" });
    await client.fetch("/api/orders", { method: "POST" });
    await client.fetch("/api/orders", { method: "POST", headers: { "x-guard": "mine" } });
    expect(page.asked("/api/orders").map((request) => request.headers.get("x-guard"))).toEqual(["alices", "mine"]);
  });

  it.each(["https://evil.test/api/orders", "//evil.test/", "http://app.test/api/orders", "data:text/plain,x"])(
    "never leaves for %s, and nor does the request", async (address) => {
      const client = createClient();
      await client.session();
      const before = page.seen.length;
      await expect(client.fetch(address, { method: "POST" })).rejects.toThrow(TypeError);
      await expect(client.fetch(new Request(new URL(address, ORIGIN)))).rejects.toThrow(TypeError);
      expect(page.seen).toHaveLength(before);
    },
  );

  it("is not taken along by a redirect to another origin: the mode makes it fail", async () => {
    const client = createClient();
    await client.fetch("/api/orders", { method: "POST", mode: "cors" });
    await client.fetch(new Request("/api/orders", { mode: "cors" }));
    expect(page.asked("/api/orders").map((request) => request.mode)).toEqual(["same-origin", "same-origin"]);
  });

  it("is renewed once where it is too old, and the request repeated with its body", async () => {
    const client = createClient();
    await client.session();
    page.session({ ...alice, csrf_token: "fresh" });
    page.at("/api/orders", problem(403, INVALID), new Response("done"));
    const answer = await client.fetch("/api/orders", { method: "POST", body: JSON.stringify({ item: "lamp" }) });
    expect(await answer.text()).toBe("done");
    expect(tokens()).toEqual(["alices", "fresh"]);
    expect(await page.asked("/api/orders")[1]?.json()).toEqual({ item: "lamp" });
  });

  it("is not renewed a second time: the refusal goes to the caller, unread", async () => {
    const client = createClient();
    page.at("/api/orders", problem(403, INVALID));
    const answer = await client.fetch("/api/orders", { method: "POST" });
    expect([answer.status, await answer.json()]).toEqual([403, INVALID]);
    expect(page.asked("/api/orders")).toHaveLength(2);
  });

  it("does not let one person's request happen in the name of another", async () => {
    const client = createClient();
    await client.session();
    page.session(bob);
    page.at("/api/orders", problem(403, INVALID), new Response("done"));
    expect((await client.fetch("/api/orders", { method: "POST" })).status).toBe(403);
    expect(client.current()).toEqual(bob);
    // Nor that of nobody, who pressed a button of a page that said so.
    page.session(nobody);
    await client.session();
    page.session(bob);
    page.at("/api/orders", problem(403, { code: "csrf_header_missing" }), new Response("done"));
    expect((await client.fetch("/api/orders", { method: "POST" })).status).toBe(403);
    expect(page.asked("/api/orders")).toHaveLength(2);
  });

  it("leaves every other 403 alone", async () => {
    const client = createClient();
    page.at("/api/orders", problem(403, { code: "insufficient_scope" }));
    expect((await client.fetch("/api/orders", { method: "POST" })).status).toBe(403);
    page.at("/api/orders", new Response(JSON.stringify(INVALID), { status: 403, headers: { "content-type": "application/json" } }));
    expect((await client.fetch("/api/orders", { method: "POST" })).status).toBe(403);
    expect(page.asked("/api/orders")).toHaveLength(2);
  });
});

describe("bodies and signals", () => {
  const stream = (): ReadableStream => new Response("streamed").body as ReadableStream;
  const streamed = { method: "POST", duplex: "half" } as RequestInit;

  it("pass as they are", async () => {
    const client = createClient();
    await client.fetch("/api/orders", { ...streamed, body: stream() });
    await client.fetch(new Request("/api/orders", { method: "PUT", body: "whole" }));
    const bodies = page.asked("/api/orders").map((request) => request.text());
    expect(await Promise.all(bodies)).toEqual(["streamed", "whole"]);
  });

  it("are not sent a second time where they are gone", async () => {
    const client = createClient();
    page.at("/api/orders", problem(403, INVALID));
    expect((await client.fetch("/api/orders", { ...streamed, body: stream() })).status).toBe(403);
    expect((await client.fetch(new Request("/api/orders", { method: "PUT", body: "whole" }))).status).toBe(403);
    expect(page.asked("/api/orders")).toHaveLength(2);
    // The next one has the new token.
    expect(page.asked(SESSION)).toHaveLength(3);
  });

  it("an answer streams: its body was not read", async () => {
    const client = createClient();
    const body = stream();
    page.at("/api/orders", { clone: () => new Response(body) } as unknown as Response);
    const answer = await client.fetch("/api/orders");
    expect(answer.body).toBe(body);
    expect(answer.bodyUsed).toBe(false);
  });

  it("a signal ends the request, and the question before it too", async () => {
    const client = createClient();
    const stop = new AbortController();
    page.at(SESSION, () => {
      stop.abort(new Error("enough"));
      return Response.json(alice);
    });
    await expect(client.fetch("/api/orders", { method: "POST", signal: stop.signal })).rejects.toThrow("enough");
    expect(page.asked("/api/orders")).toHaveLength(0);
    await expect(client.fetch("/api/orders", { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
  });

  it("a server that cannot say who is signed in answers for itself", async () => {
    const client = createClient();
    page.at(SESSION, problem(503, { code: "store_unavailable" }));
    page.at("/api/orders", problem(503, { code: "store_unavailable" }));
    const answer = await client.fetch("/api/orders", { method: "POST" });
    expect([answer.status, tokens()]).toEqual([503, [null]]);
  });
});

describe("an answer that asks for a login", () => {
  const required = async (sent: Promise<Response>): Promise<LoginRequired> => {
    const error: unknown = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LoginRequired);
    return error as LoginRequired;
  };
  const REFUSED = problem(401, { code: "unauthenticated", login_url: "/auth/login?return_to=%2Fapi%2Forders" });

  it("leads there once, with the way back to this page", async () => {
    const client = createClient();
    page.session(nobody);
    page.at("/api/orders", REFUSED);
    const errors = await Promise.all([1, 2, 3].map(() => required(client.fetch("/api/orders"))));
    const url = `${ORIGIN}/auth/login?return_to=%2Forders%3Fpage%3D2%23top`;
    expect(page.assign.mock.calls).toEqual([[url]]);
    for (const error of errors) expect([error.loginUrl, error.stepUp, error.response.bodyUsed]).toEqual([url, undefined, false]);
    await vi.waitFor(() => expect(client.current()).toEqual(nobody));
  });

  it("asks for what it was told, where somebody is signed in", async () => {
    const navigate = vi.fn();
    const client = createClient({ navigate });
    await client.session();
    page.at("/api/orders", problem(401, { code: "insufficient_user_authentication", login_url: "/auth/login?acr_values=gold&max_age=60" }));
    const error = await required(client.fetch("/api/orders"));
    expect(error.stepUp).toEqual({ acrValues: "gold", maxAge: 60 });
    expect(navigate.mock.calls).toEqual([[error.loginUrl, error]]);
    expect(page.assign).not.toHaveBeenCalled();
    expect(client.current()).toEqual(alice);
  });

  it("leads nowhere else", async () => {
    const client = createClient();
    page.at("/api/orders", problem(401, { login_url: "https://evil.test/auth/login" }));
    const error = await required(client.fetch("/api/orders"));
    expect(new URL(error.loginUrl).origin).toBe(ORIGIN);
  });

  it("and one that names none goes to the caller, unread", async () => {
    const client = createClient();
    page.at("/api/orders", problem(401, { code: "token_expired" }));
    const answer = await client.fetch("/api/orders");
    expect([answer.status, (await answer.json()).code]).toEqual([401, "token_expired"]);
    page.at("/api/orders", new Response("no", { status: 401 }));
    expect(await (await client.fetch("/api/orders")).text()).toBe("no");
    expect(page.assign).not.toHaveBeenCalled();
  });
});
