import { type LoginOptions } from "./addresses.js";
import { type CallOptions, LoginRequired } from "./call.js";
import type { Session } from "./session.js";
import { type Listener, type SessionOptions } from "./state.js";
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
export declare function createClient(options?: Options): Client;
