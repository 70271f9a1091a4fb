import { type Session } from "./session.js";
/** What `onSessionChange` tells. `session` is always what is known now. */
export type Change = 
/** Somebody signed in or out, or the session's life is another. */
{
    readonly why: "session";
    readonly session: Session;
}
/** The session ends in so many seconds, unless it is used or in any case. */
 | {
    readonly why: "expiring";
    readonly session: Session;
    readonly in: number;
}
/** A service asks for a fresher or stronger login, which begins at this address. */
 | {
    readonly why: "step_up";
    readonly session: Session;
    readonly loginUrl: string;
};
export type Listener = (change: Change) => void;
export interface SessionOptions {
    /** Whether asking counts as use of the session, which makes it live longer. Default `true`. */
    readonly slide?: boolean;
    readonly signal?: AbortSignal;
}
/** The name of the channel and of the lock, the same for all tabs of an origin. */
export declare const NAME = "wicketgate";
/** What tabs tell each other. `who` says whom the teller takes to be signed in, and gives away no secret. */
export type Message = {
    readonly who: string;
} | {
    readonly event: string;
    readonly told: Told;
};
/** What comes with an event of the stream. */
export interface Told {
    readonly expires_at?: number;
    readonly idle_expires_at?: number;
    readonly in?: number;
    readonly login_url?: string;
}
export declare class State {
    #private;
    current: Session | undefined;
    readonly listeners: Set<Listener>;
    /** Asks the server. */
    session({ slide, signal }?: SessionOptions, tell?: boolean): Promise<Session>;
    /** Asks without using the session, once for all who want to know. */
    look(tell?: boolean): Promise<Session>;
    /** Keeps what is known now. `tell` lets the other tabs look, if it is somebody else. */
    take(session: Session, tell: boolean): void;
    tell(change: Change): void;
}
/** Tells one sign-in from another. */
export declare function who(session: Session | undefined): string;
/** Tells one person from another. */
export declare function identity(session: Session | undefined): string;
