import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Change, type Client, createClient } from "../src/index.js";
import { alice, bob, nobody, ORIGIN, problem, Stream, world } from "./world.js";

const SESSION = "/api/auth/session";
const LIFE = { expires_at: alice.expires_at, idle_expires_at: alice.idle_expires_at };

let page: ReturnType<typeof world>;
let stops: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  page = world();
  page.session(alice);
  stops = [];
});

afterEach(() => {
  for (const stop of stops) stop();
  vi.useRealTimers();
});

/** Lets everything happen that needs no time. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

async function tab(): Promise<{ client: Client; told: Change[]; stop: () => void }> {
  const client = createClient();
  const told: Change[] = [];
  const stop = client.onSessionChange((change) => void told.push(change));
  stops.push(stop);
  await settle();
  return { client, told, stop };
}

const only = (): Stream => {
  expect(Stream.open).toHaveLength(1);
  return Stream.open[0] as Stream;
};

describe("tabs of one browser", () => {
  it("hold one stream together, and all hear what it tells", async () => {
    const tabs = [await tab(), await tab(), await tab()];
    only().tell("ready", LIFE);
    only().tell("refreshed", { ...LIFE, idle_expires_at: 1_500 });
    only().tell("expiring", { ...LIFE, in: 90 });
    only().tell("step_up", { acr_values: "gold", login_url: "/auth/login?acr_values=gold" });
    await settle();
    const longer = { ...alice, idle_expires_at: 1_500 };
    for (const { told, client } of tabs) {
      expect(told).toEqual([
        { why: "session", session: alice },
        { why: "session", session: longer },
        { why: "expiring", session: longer, in: 90 },
        { why: "step_up", session: longer, loginUrl: `${ORIGIN}/auth/login?acr_values=gold&return_to=%2Forders%3Fpage%3D2%23top` },
      ]);
      expect(client.current()).toEqual(longer);
    }
    expect(page.asked(SESSION)).toHaveLength(tabs.length);
  });

  it("go on without the one that led, which looks what it missed", async () => {
    const [first, second] = [await tab(), await tab()];
    const before = only();
    page.session(bob);
    first.stop();
    await settle();
    expect(only()).not.toBe(before);
    expect(second.client.current()).toEqual(bob);
    only().tell("refreshed", { expires_at: bob.expires_at, idle_expires_at: 9 });
    expect(second.told.at(-1)).toEqual({ why: "session", session: { ...bob, idle_expires_at: 9 } });
    expect(first.told.at(-1)).toEqual({ why: "session", session: alice });
  });

  it("all know when the session was revoked, and the stream ends", async () => {
    const tabs = [await tab(), await tab()];
    page.session(nobody);
    only().tell("revoked", { reason: "ended" });
    await settle();
    for (const { told } of tabs) expect(told.at(-1)).toEqual({ why: "session", session: nobody });
    // Nobody to hear of: neither a stream nor a question.
    const asked = page.asked(SESSION).length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect([Stream.open.length, page.asked(SESSION).length]).toEqual([0, asked]);
  });

  it("believe that it was revoked, though the server cannot say more", async () => {
    const tabs = [await tab(), await tab()];
    page.at(SESSION, problem(503, {}));
    only().tell("revoked", { reason: "ended" });
    await settle();
    for (const { client } of tabs) expect(client.current()).toEqual(nobody);
  });

  it("learn of a login from the tab that came back from it, and hear of the new session", async () => {
    page.session(nobody);
    const [leader, other] = [await tab(), await tab()];
    expect(Stream.open).toEqual([]);
    page.session(alice);
    await createClient().session();
    await settle();
    for (const { client } of [leader, other]) expect(client.current()).toEqual(alice);
    only();
    // And of somebody else's in place of the first.
    page.session(bob);
    await createClient().session();
    await settle();
    for (const { client } of [leader, other]) expect(client.current()).toEqual(bob);
  });

  it("look no more often than somebody tells something new", async () => {
    await tab();
    await tab();
    const asked = page.asked(SESSION).length;
    await createClient().session();
    await settle();
    expect(page.asked(SESSION)).toHaveLength(asked + 1);
  });
});

describe("the stream", () => {
  it("of another session than was known makes all tabs look", async () => {
    const tabs = [await tab(), await tab()];
    page.session(bob);
    only().tell("ready", { expires_at: bob.expires_at, idle_expires_at: bob.idle_expires_at });
    await settle();
    for (const { client } of tabs) expect(client.current()).toEqual(bob);
  });

  it("tells of new tokens, which may say something else of the user", async () => {
    const { told } = await tab();
    const promoted = { ...alice, user: { id: "alice", roles: ["ROOT"] } };
    page.session(promoted);
    only().tell("refreshed", LIFE);
    await settle();
    expect(told.at(-1)).toEqual({ why: "session", session: promoted });
  });

  it("that is refused is tried again, more and more seldom", async () => {
    await tab();
    const gaps: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      only().refuse();
      for (let waited = 0; Stream.open.length === 0; waited += 1_000) {
        gaps[round] = waited + 1_000;
        await vi.advanceTimersByTimeAsync(1_000);
      }
    }
    expect(gaps).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1_000));
    // One that began makes good.
    only().tell("ready", LIFE);
    only().refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    only();
  });

  it("waits for a server that cannot say who is signed in, in each tab", async () => {
    page.at(SESSION, problem(503, {}));
    const tabs = [await tab(), await tab()];
    expect(tabs.map(({ client }) => client.current())).toEqual([undefined, undefined]);
    page.session(alice);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(tabs.map(({ client }) => client.current())).toEqual([alice, alice]);
    only();
  });

  it("is let go while the page is kept for the way back, and taken up again", async () => {
    const { client } = await tab();
    page.page("pagehide");
    await settle();
    expect(Stream.open).toEqual([]);
    page.session(bob);
    page.page("pageshow");
    await settle();
    only();
    expect(client.current()).toEqual(bob);
  });

  it("is each tab's own where there are no locks", async () => {
    vi.stubGlobal("navigator", {});
    const tabs = [await tab(), await tab()];
    expect(Stream.open).toHaveLength(2);
    page.session(nobody);
    for (const stream of [...Stream.open]) stream.tell("revoked", { reason: "ended" });
    await settle();
    for (const { client } of tabs) expect(client.current()).toEqual(nobody);
  });
});

describe("listeners", () => {
  it("fail for themselves alone, and share one stream until the last is gone", async () => {
    const client = createClient();
    const heard: Change[] = [];
    const failing = client.onSessionChange(() => {
      throw new Error("mine");
    });
    const listener = (change: Change): void => void heard.push(change);
    const [one, two] = [client.onSessionChange(listener), client.onSessionChange(listener)];
    await settle();
    expect(heard).toHaveLength(2);
    expect(reportError).toHaveBeenCalledOnce();
    failing();
    one();
    one();
    only();
    two();
    await settle();
    expect(Stream.open).toEqual([]);
  });
});
