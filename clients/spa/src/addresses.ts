// Owns: the addresses of the login. Whatever a page was given, none of them leads to a stranger: the server looks again.

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

const LOGIN = "/auth/login";

const NAMES = [
  ["idp", "idp"],
  ["prompt", "prompt"],
  ["acrValues", "acr_values"],
  ["maxAge", "max_age"],
  ["loginHint", "login_hint"],
  ["uiLocales", "ui_locales"],
  ["method", "method"],
] as const;

/** The path at which this login begins. */
export function loginUrl(options: LoginOptions = {}): string {
  const query = new URLSearchParams({ return_to: returnTo(options.returnTo) });
  for (const [option, name] of NAMES) {
    const value = options[option];
    if (value !== undefined) query.set(name, String(value));
  }
  return `${LOGIN}?${query}`;
}

/** A path of this origin that is no page of the login itself. */
export function returnTo(target: string = location.href): string {
  const url = parse(target);
  const strange = !url || url.origin !== location.origin || url.pathname.startsWith("//");
  return strange || /^\/(api\/)?auth(\/|$)/.test(url.pathname) ? "/" : url.pathname + url.search + url.hash;
}

/** The login that an answer names, with the way back to this page. Other origins count where they are listed. */
export function loginFrom(told: string, listed: readonly string[] = []): URL {
  const named = parse(told);
  const known = named && (named.origin === location.origin || listed.includes(named.origin));
  const url = known ? named : new URL(LOGIN, location.origin);
  url.searchParams.set("return_to", url.origin === location.origin ? returnTo() : location.href);
  return url;
}

/** `told`, if it is an address of this origin. */
export function ownAddress(told: string): string | undefined {
  const url = parse(told);
  return url?.origin === location.origin ? url.href : undefined;
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text, location.href);
    // A blob has the origin that made it.
    return /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}
