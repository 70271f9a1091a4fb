// Owns: what a tab has around it, and a server that answers as it is told.

import { vi } from "vitest";
import type { SignedIn } from "../src/index.js";

export const ORIGIN = "https://app.test";

export const alice: SignedIn = {
  authenticated: true,
  user: { id: "alice", roles: ["ADMIN"] },
  expires_at: 2_000,
  idle_expires_at: 1_000,
  csrf_token: "alices",
  logout_url: "/auth/logout?lt=alices",
  tenant: null,
};

export const bob: SignedIn = { ...alice, user: { id: "bob", roles: [] }, expires_at: 3_000, csrf_token: "bobs" };

export const nobody = { authenticated: false } as const;

/** Every answer of `Request` gets the page's address as its base, as in a browser. */
class PageRequest extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(typeof input === "string" ? new URL(input, location.href) : input, init);
  }
}

export class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static open: Stream[] = [];
  readyState = 1;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    Stream.open.push(this);
  }

  tell(event: string, told: object): void {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(told) }));
  }

  /** As a browser does when the answer is none of 200. */
  refuse(): void {
    this.close();
    this.onerror?.();
  }

  close(): void {
    this.readyState = Stream.CLOSED;
    Stream.open = Stream.open.filter((other) => other !== this);
  }
}

class Channel {
  static all: Channel[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(readonly name: string) {
    Channel.all.push(this);
  }

  postMessage(data: unknown): void {
    for (const other of Channel.all.filter((channel) => channel !== this && channel.name === this.name)) {
      queueMicrotask(() => other.onmessage?.({ data: structuredClone(data) }));
    }
  }

  close(): void {
    this.onmessage = null;
    Channel.all = Channel.all.filter((channel) => channel !== this);
  }
}

/** One holder at a time, in the order of asking, as the Web Locks API has it. */
function locks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request(_name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> {
      const held = last.then(() => (signal.aborted ? Promise.reject(signal.reason) : hold()));
      last = held.catch(() => {});
      return held;
    },
  };
}

export type Answer = Response | Promise<Response> | (() => Response | Promise<Response>);

/** The page at `href`, and the requests that reach its server. */
export function world(href = `${ORIGIN}/orders?page=2#top`) {
  const answers = new Map<string, Answer[]>();
  const seen: Request[] = [];
  Stream.open = [];
  Channel.all = [];
  const here = new EventTarget();
  vi.stubGlobal("location", { origin: new URL(href).origin, href, assign: vi.fn() });
  vi.stubGlobal("navigator", { locks: locks() });
  vi.stubGlobal("BroadcastChannel", Channel);
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("Request", PageRequest);
  vi.stubGlobal("addEventListener", here.addEventListener.bind(here));
  vi.stubGlobal("removeEventListener", here.removeEventListener.bind(here));
  vi.stubGlobal("reportError", vi.fn());
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new PageRequest(input, init);
    seen.push(request);
    const path = new URL(request.url).pathname;
    const queue = answers.get(path) ?? [];
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    if (!answer) throw new TypeError(`nobody answers ${path}`);
    const response = await (typeof answer === "function" ? answer() : answer);
    request.signal.throwIfAborted();
    return response.clone();
  });
  return {
    seen,
    assign: vi.mocked(location.assign),
    /** Tells the page that it goes, or comes back from the cache of pages. */
    page: (event: "pagehide" | "pageshow"): void => {
      here.dispatchEvent(Object.assign(new Event(event), { persisted: true }));
    },
    /** The answers at a path, one after the other; the last stays. */
    at: (path: string, ...given: Answer[]): void => void answers.set(path, given),
    session: (...given: object[]): void =>
      void answers.set("/api/auth/session", given.map((body) => () => Response.json(body))),
    asked: (path: string): Request[] => seen.filter((request) => new URL(request.url).pathname === path),
  };
}

export function problem(status: number, told: object): Response {
  return new Response(JSON.stringify(told), { status, headers: { "content-type": "application/problem+json" } });
}
