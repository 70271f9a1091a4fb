import { type State } from "./state.js";
/** What a step-up asks for. */
export interface StepUp {
    readonly acrValues?: string;
    readonly maxAge?: number;
}
/** What `fetch` rejects with when the answer asks for a login. The page is on its way there. */
export declare class LoginRequired extends Error {
    /** Where the login begins; it leads back to this page. */
    readonly loginUrl: string;
    /** Set where somebody is signed in, but not freshly or strongly enough. */
    readonly stepUp: StepUp | undefined;
    /** The answer, unread. */
    readonly response: Response;
    readonly name = "LoginRequired";
    constructor(
    /** Where the login begins; it leads back to this page. */
    loginUrl: string, 
    /** Set where somebody is signed in, but not freshly or strongly enough. */
    stepUp: StepUp | undefined, 
    /** The answer, unread. */
    response: Response);
}
export interface CallOptions {
    /** The server's `BFF_CSRF_HEADER`. Default `X-CSRF-Token`. */
    readonly csrfHeader?: string;
    /** Origins at which a login may begin, beside the page's own: that of `FORWARDAUTH_LOGIN_URL`, if it has one. */
    readonly loginOrigins?: readonly string[];
}
/** `fetch` as `state` makes it. `leave` is told of each login that an answer asks for. */
export declare function caller(state: State, options: CallOptions, leave: (required: LoginRequired) => void): typeof fetch;
