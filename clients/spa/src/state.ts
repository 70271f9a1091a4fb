// Owns: what this tab knows of the session, who is told of changes, and the word to other tabs.

import { type Session, SessionUnavailable } from "./session.js";

/** What `onSessionChange` tells. `session` is always what is known now. */
export type Change =
  /** Somebody signed in or out, or the session's life is another. */
  | { readonly why: "session"; readonly session: Session }
  /** The session ends in so many seconds, unless it is used or in any case. */
  | { readonly why: "expiring"; readonly session: Session; readonly in: number }
  /** A service asks for a fresher or stronger login, which begins at this address. */
  | { readonly why: "step_up"; readonly session: Session; readonly loginUrl: string };

export type Listener = (change: Change) => void;

export interface SessionOptions {
  /** Whether asking counts as use of the session, which makes it live longer. Default `true`. */
  readonly slide?: boolean;
  readonly signal?: AbortSignal;
}

/** The name of the channel and of the lock, the same for all tabs of an origin. */
export const NAME = "wicketgate";

/** What tabs tell each other. `who` says whom the teller takes to be signed in, and gives away no secret. */
export type Message = { readonly who: string } | { readonly event: string; readonly told: Told };

/** What comes with an event of the stream. */
export interface Told {
  readonly expires_at?: number;
  readonly idle_expires_at?: number;
  readonly in?: number;
  readonly login_url?: string;
}

export class State {
  current: Session | undefined;
  readonly listeners = new Set<Listener>();
  #looking: Promise<Session> | undefined;
  #asked = 0;
  #taken = 0;

  /** Asks the server. */
  async session({ slide = true, signal }: SessionOptions = {}, tell = true): Promise<Session> {
    const mine = ++this.#asked;
    const answer = await fetch(`/api/auth/session${slide ? "" : "?slide=false"}`, {
      mode: "same-origin",
      cache: "no-store",
      headers: { accept: "application/json" },
      ...(signal && { signal }),
    });
    if (!answer.ok) {
      const seconds = Number(answer.headers.get("retry-after") ?? NaN);
      throw new SessionUnavailable(answer.status, Number.isFinite(seconds) ? seconds : undefined);
    }
    const session = (await answer.json()) as Session;
    // Answers may overtake each other.
    if (mine > this.#taken) {
      this.#taken = mine;
      this.take(session, tell);
    }
    return session;
  }

  /** Asks without using the session, once for all who want to know. */
  look(tell = true): Promise<Session> {
    this.#looking ??= this.session({ slide: false }, tell).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Keeps what is known now. `tell` lets the other tabs look, if it is somebody else. */
  take(session: Session, tell: boolean): void {
    const before = this.current;
    this.current = session;
    if (JSON.stringify(before) === JSON.stringify(session)) return;
    if (tell && who(before) !== who(session) && "BroadcastChannel" in globalThis) {
      const channel = new BroadcastChannel(NAME);
      channel.postMessage({ who: who(session) } satisfies Message);
      channel.close();
    }
    this.tell({ why: "session", session });
  }

  tell(change: Change): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(change);
      } catch (error) {
        // One that fails keeps nothing from the others.
        reportError(error);
      }
    }
  }
}

/** Tells one sign-in from another. */
export function who(session: Session | undefined): string {
  return session ? JSON.stringify(session.authenticated && [identity(session), session.expires_at]) : "";
}

/** Tells one person from another. */
export function identity(session: Session | undefined): string {
  return JSON.stringify(session?.authenticated && [session.user, session.tenant]) ?? "";
}
