// Owns: hearing of the session while somebody listens. Of all tabs one, which has the lock, holds the event stream and passes
// on what it hears; the next takes over where it goes. Without locks each tab holds a stream of its own.

import { loginFrom } from "./addresses.js";
import { type Listener, type Message, NAME, type State, type Told, who } from "./state.js";

const EVENTS = ["ready", "refreshed", "expiring", "step_up", "revoked"] as const;

/** How long to wait after a failure, in milliseconds: twice as long each time, up to the most. */
const FIRST = 1_000;
const MOST = 30_000;

/** Follows the session until the answer is called. */
export function follow(state: State, loginOrigins: readonly string[] | undefined): () => void {
  let stop: AbortController | undefined;
  const begin = (): void => {
    stop = new AbortController();
    run(state, loginOrigins, stop.signal);
  };
  const end = (): void => {
    stop?.abort();
    stop = undefined;
  };
  // A page that is kept for the way back must not lead, and knows nothing of the time between.
  const back = (event: PageTransitionEvent): void => {
    if (event.persisted) begin();
  };
  addEventListener("pagehide", end);
  addEventListener("pageshow", back);
  begin();
  return () => {
    removeEventListener("pagehide", end);
    removeEventListener("pageshow", back);
    end();
  };
}

function run(state: State, loginOrigins: readonly string[] | undefined, signal: AbortSignal): void {
  const { locks } = navigator;
  const channel = locks && "BroadcastChannel" in globalThis ? new BroadcastChannel(NAME) : undefined;
  /** Lets whoever waits look at once. */
  const news = new EventTarget();
  const wake = (): void => {
    news.dispatchEvent(new Event("wake"));
  };
  /** Looks who is signed in; whether the server could say. */
  const look = (tell = true): Promise<boolean> =>
    state.look(tell).then(
      () => true,
      () => false,
    );

  /** What the stream told, here or in the tab that leads. */
  const hear = (event: string, told: Told): void => {
    const session = state.current;
    if (event === "revoked") {
      // Somebody else may be signed in by now; if nobody can say, the word of the stream counts.
      state.session({ slide: false }, false).catch(() => state.take({ authenticated: false }, false));
    } else if (!session?.authenticated || (told.expires_at ?? session.expires_at) !== session.expires_at) {
      look(false);
    } else if (event === "step_up") {
      state.tell({ why: "step_up", session, loginUrl: loginFrom(told.login_url ?? "", loginOrigins).href });
    } else if (event === "expiring") {
      state.tell({ why: "expiring", session, in: told.in ?? 0 });
    } else if (told.idle_expires_at !== undefined && told.idle_expires_at !== session.idle_expires_at) {
      state.take({ ...session, idle_expires_at: told.idle_expires_at }, false);
    } else if (event === "refreshed") {
      // Neither end moved, so there are new tokens, which may say something else of the user.
      look(false);
    }
  };

  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if ("event" in data) hear(data.event, data.told);
      else if (data.who !== who(state.current)) look(false);
    };
  }
  const woken: Listener = ({ session }) => {
    if (session.authenticated) wake();
  };
  state.listeners.add(woken);
  signal.addEventListener("abort", () => {
    state.listeners.delete(woken);
    channel?.close();
    wake();
  });

  /** Until there is news, and no longer than so many milliseconds. */
  const wait = (milliseconds?: number): Promise<void> =>
    new Promise((done) => {
      if (signal.aborted) return done();
      const end = (): void => {
        clearTimeout(timer);
        news.removeEventListener("wake", end);
        done();
      };
      const timer = milliseconds === undefined ? undefined : setTimeout(end, milliseconds);
      news.addEventListener("wake", end);
    });

  /** Holds the stream until it ends: how long to wait before the next, or `undefined` if it never began. */
  const listen = (): Promise<number | undefined> =>
    new Promise((done) => {
      const source = new EventSource("/api/auth/events");
      let pause: number | undefined;
      const end = (): void => {
        source.close();
        signal.removeEventListener("abort", end);
        done(pause);
      };
      signal.addEventListener("abort", end);
      for (const event of EVENTS) {
        source.addEventListener(event, ({ data }: MessageEvent<string>) => {
          const told = JSON.parse(data) as Told;
          channel?.postMessage({ event, told } satisfies Message);
          hear(event, told);
          pause = event === "revoked" ? 0 : FIRST;
          if (event === "revoked") end();
        });
      }
      // The browser comes back by itself, unless the server refused.
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) end();
      };
    });

  const lead = async (): Promise<void> => {
    let pause = FIRST;
    while (!signal.aborted) {
      const known = await look();
      if (signal.aborted) return;
      if (known && !state.current?.authenticated) {
        // Nobody to hear of, until a tab says otherwise.
        await wait();
        pause = FIRST;
        continue;
      }
      const told = known ? await listen() : undefined;
      await wait(told ?? pause);
      pause = told === undefined ? Math.min(pause * 2, MOST) : FIRST;
    }
  };

  /** Whoever does not lead wants to know all the same. */
  const settle = async (): Promise<void> => {
    for (let pause = FIRST; !(await look()) && !signal.aborted; pause = Math.min(pause * 2, MOST)) await wait(pause);
  };

  void settle();
  if (channel) locks.request(NAME, { signal }, lead).catch(() => {});
  else void lead();
}
