/** Who is signed in, as the server's configuration lets the browser know. */
export interface User {
    readonly id: string;
    readonly roles: readonly string[];
    readonly name?: string;
    readonly email?: string;
    readonly [claim: string]: unknown;
}
/** A session that lives. Times are seconds since the epoch. */
export interface SignedIn {
    readonly authenticated: true;
    readonly user: User;
    /** When the session ends, however much it is used. */
    readonly expires_at: number;
    /** When it ends unless it is used. */
    readonly idle_expires_at: number;
    /** For requests that do not go through `fetch` of this client. Worth nothing without the cookie. */
    readonly csrf_token: string;
    /** A path that signs this session out, and that nobody else can guess. */
    readonly logout_url: string;
    readonly tenant: string | null;
    /** Values of the user context that the configuration shows to browsers. */
    readonly context?: Readonly<Record<string, unknown>>;
}
/** Nobody is signed in. */
export interface SignedOut {
    readonly authenticated: false;
}
export type Session = SignedIn | SignedOut;
/** The server could not say who is signed in: that signs nobody out. Ask again later. */
export declare class SessionUnavailable extends Error {
    /** The status of the answer. */
    readonly status: number;
    /** Seconds after which it asks to be asked again. */
    readonly retryAfter: number | undefined;
    readonly name = "SessionUnavailable";
    constructor(
    /** The status of the answer. */
    status: number, 
    /** Seconds after which it asks to be asked again. */
    retryAfter: number | undefined);
}
