// Owns: the client: what a page calls, and how a page is left.

import { loginUrl, type LoginOptions, ownAddress } from "./addresses.js";
import { caller, type CallOptions, LoginRequired } from "./call.js";
import { follow } from "./follow.js";
import type { Session } from "./session.js";
import { type Listener, type SessionOptions, State } from "./state.js";

export type { LoginOptions } from "./addresses.js";
export { LoginRequired, type StepUp } from "./call.js";
export { type Session, SessionUnavailable, type SignedIn, type SignedOut, type User } from "./session.js";
export type { Change, Listener, SessionOptions } from "./state.js";

export interface Options extends CallOptions {
  /**
   * Leaves the page for `address`. Default: `location.assign`. Where an answer asked for a login, `required` says what for,
   * once for all requests that fail together: a page with unsaved work asks its user first.
   */
  readonly navigate?: (address: string, required?: LoginRequired) => void;
}

export interface LogoutOptions {
  /** Ends the session here and stays on the page; the user stays signed in at the identity provider. Default `false`. */
  readonly stay?: boolean;
}

/** Needs no `this`: each function may be passed on by itself. */
export interface Client {
  /** Who is signed in. Rejects with `SessionUnavailable` where the server cannot say: that signs nobody out. */
  session(options?: SessionOptions): Promise<Session>;
  /** What was last known, or `undefined` before the first answer. */
  current(): Session | undefined;
  /**
   * The browser's `fetch`, for this origin alone: it adds the CSRF header, and learns a new one where the server says that it
   * is too old. An answer that asks for a login begins it and rejects with `LoginRequired`.
   */
  fetch: typeof fetch;
  /** Begins a login. */
  login(options?: LoginOptions): void;
  /** Where that login begins, for a link. */
  loginUrl(options?: LoginOptions): string;
  /** Ends the session, by default at the identity provider too, by way of which the browser leaves the page. */
  logout(options?: LogoutOptions): Promise<void>;
  /** Tells of changes, those too that other tabs make, until the answer is called. Takes no part in `session()`. */
  onSessionChange(listener: Listener): () => void;
}

/** Longest time in milliseconds between two requests that fail together. */
const TOGETHER = 2_000;

export function createClient(options: Options = {}): Client {
  const state = new State();
  const navigate = options.navigate ?? ((address: string) => location.assign(address));
  let left = -TOGETHER;
  let unfollow: (() => void) | undefined;
  const heard = new Set<Listener>();

  const leave = (required: LoginRequired): void => {
    const now = performance.now();
    if (now - left < TOGETHER) return;
    left = now;
    navigate(required.loginUrl, required);
  };
  const call = caller(state, options, leave);

  return {
    session: (asked) => state.session(asked),
    current: () => state.current,
    fetch: call,
    login: (asked) => navigate(loginUrl(asked)),
    loginUrl,
    logout: async ({ stay = false } = {}) => {
      // Another tab may have signed in anew, and this one know the link of a session that is over.
      const session = await state.session({ slide: false });
      if (!session.authenticated) return;
      if (!stay) {
        navigate(ownAddress(session.logout_url) ?? "/auth/logout");
        return;
      }
      const answer = await call("/auth/logout", { method: "POST", headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(`not signed out: ${answer.status}`);
      state.take({ authenticated: false }, true);
    },
    onSessionChange: (listener) => {
      // Each call counts for itself, with the same function too.
      const mine: Listener = (change) => listener(change);
      heard.add(mine);
      state.listeners.add(mine);
      unfollow ??= follow(state, options.loginOrigins);
      return () => {
        heard.delete(mine);
        state.listeners.delete(mine);
        if (heard.size > 0) return;
        unfollow?.();
        unfollow = undefined;
      };
    },
  };
}
