/** What a login may ask for; see `/auth/login` in the server's documentation. */
export interface LoginOptions {
    /** Where to be afterwards: an address of this origin, by default that of the page. What leads elsewhere becomes `/`. */
    readonly returnTo?: string;
    /** The login provider, by its name in `idps.yaml`. */
    readonly idp?: string;
    readonly prompt?: "none" | "login" | "consent" | "select_account" | (string & {});
    /** Authentication classes, separated by blanks. */
    readonly acrValues?: string;
    /** How many seconds ago the user may have authenticated. */
    readonly maxAge?: number;
    readonly loginHint?: string;
    readonly uiLocales?: string;
    /** A way to sign in that the configuration has a name for, such as `magic_link`. */
    readonly method?: string;
}
/** The path at which this login begins. */
export declare function loginUrl(options?: LoginOptions): string;
/** A path of this origin that is no page of the login itself. */
export declare function returnTo(target?: string): string;
/** The login that an answer names, with the way back to this page. Other origins count where they are listed. */
export declare function loginFrom(told: string, listed?: readonly string[]): URL;
/** `told`, if it is an address of this origin. */
export declare function ownAddress(told: string): string | undefined;
