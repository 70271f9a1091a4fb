import { beforeEach, describe, expect, it, vi } from "vitest";
import { createClient, SessionUnavailable } from "../src/index.js";
import { alice, bob, nobody, ORIGIN, problem, world } from "./world.js";

let page: ReturnType<typeof world>;

beforeEach(() => {
  page = world();
  page.session(alice);
});

describe("session()", () => {
  it("is use of the session, unless it is asked for silently", async () => {
    const client = createClient();
    expect(client.current()).toBeUndefined();
    expect(await client.session()).toEqual(alice);
    await client.session({ slide: false });
    expect(page.seen.map((request) => request.url)).toEqual([`${ORIGIN}/api/auth/session`, `${ORIGIN}/api/auth/session?slide=false`]);
    expect(page.seen.map((request) => request.mode)).toEqual(["same-origin", "same-origin"]);
    expect(client.current()).toEqual(alice);
  });

  it("signs nobody out where the server cannot say who is signed in", async () => {
    const client = createClient();
    await client.session();
    page.at("/api/auth/session", new Response("", { status: 503, headers: { "retry-after": "7" } }), problem(429, {}));
    const away: unknown = await client.session().catch((error: unknown) => error);
    expect(away).toBeInstanceOf(SessionUnavailable);
    expect(away).toMatchObject({ status: 503, retryAfter: 7 });
    await expect(client.session()).rejects.toMatchObject({ status: 429, retryAfter: undefined });
    expect(client.current()).toEqual(alice);
  });

  it("believes the answer to the later question, whichever comes first", async () => {
    const client = createClient();
    let late = (_: Response): void => {};
    page.at("/api/auth/session", new Promise<Response>((done) => (late = done)), Response.json(bob));
    const first = client.session();
    await client.session();
    late(Response.json(alice));
    await first;
    expect(client.current()).toEqual(bob);
  });

  it("ends by its signal", async () => {
    await expect(createClient().session({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});

describe("login() and logout()", () => {
  it("leave the page for the login, by default with the way back", () => {
    const client = createClient();
    client.login();
    client.login({ returnTo: "//evil.test", maxAge: 0 });
    expect(page.assign.mock.calls.flat()).toEqual(["/auth/login?return_to=%2Forders%3Fpage%3D2%23top", "/auth/login?return_to=%2F&max_age=0"]);
    expect(client.loginUrl({ returnTo: "/x" })).toBe("/auth/login?return_to=%2Fx");
  });

  it("leave it for the link of the session that lives now", async () => {
    const client = createClient();
    await client.session();
    page.session({ ...bob, logout_url: "/auth/logout?lt=bobs" });
    await client.logout();
    expect(page.assign.mock.calls).toEqual([[`${ORIGIN}/auth/logout?lt=bobs`]]);
  });

  it("stay, if told to, and tell", async () => {
    const client = createClient();
    const told = vi.fn();
    page.at("/auth/logout", Response.json({ authenticated: false, end_session_url: null }));
    await client.session();
    const stop = client.onSessionChange(told);
    await client.logout({ stay: true });
    stop();
    expect(page.asked("/auth/logout").map((request) => [request.method, request.headers.get("x-csrf-token")])).toEqual([["POST", "alices"]]);
    expect(told).toHaveBeenLastCalledWith({ why: "session", session: nobody });
    expect(page.assign).not.toHaveBeenCalled();
  });

  it("say so where the session could not be ended", async () => {
    const client = createClient();
    page.at("/auth/logout", problem(503, {}));
    await expect(client.logout({ stay: true })).rejects.toThrow("503");
    expect(client.current()).toEqual(alice);
  });

  it("have nothing to do where nobody is signed in", async () => {
    page.session(nobody);
    await createClient().logout();
    expect(page.assign).not.toHaveBeenCalled();
  });
});
