// Owns: one request of the page: the CSRF header on, a new one where it is too old, and the login where one is asked for
// (RFC 9470, RFC 9457). Bodies, streams and signals pass as they are.

import { loginFrom } from "./addresses.js";
import { identity, type State } from "./state.js";

/** What a step-up asks for. */
export interface StepUp {
  readonly acrValues?: string;
  readonly maxAge?: number;
}

/** What `fetch` rejects with when the answer asks for a login. The page is on its way there. */
export class LoginRequired extends Error {
  override readonly name = "LoginRequired";

  constructor(
    /** Where the login begins; it leads back to this page. */
    readonly loginUrl: string,
    /** Set where somebody is signed in, but not freshly or strongly enough. */
    readonly stepUp: StepUp | undefined,
    /** The answer, unread. */
    readonly response: Response,
  ) {
    super("a login is required");
  }
}

export interface CallOptions {
  /** The server's `BFF_CSRF_HEADER`. Default `X-CSRF-Token`. */
  readonly csrfHeader?: string;
  /** Origins at which a login may begin, beside the page's own: that of `FORWARDAUTH_LOGIN_URL`, if it has one. */
  readonly loginOrigins?: readonly string[];
}

/** Codes of a 403 that another token may cure. */
const CURABLE = ["csrf_header_missing", "csrf_token_invalid"];

interface Problem {
  readonly code?: unknown;
  readonly login_url?: unknown;
}

/** `fetch` as `state` makes it. `leave` is told of each login that an answer asks for. */
export function caller(state: State, options: CallOptions, leave: (required: LoginRequired) => void): typeof fetch {
  const header = options.csrfHeader ?? "X-CSRF-Token";

  const send = (request: Request): Promise<Response> => {
    const session = state.current;
    if (session?.authenticated && !request.headers.has(header)) request.headers.set(header, session.csrf_token);
    return fetch(request);
  };

  /** Looks who is signed in. A server that cannot say will say so to the request itself. */
  const learn = async (signal: AbortSignal): Promise<void> => {
    await state.session({ slide: false, signal }).catch(() => signal.throwIfAborted());
  };

  return async (input, init) => {
    // With this mode a redirect to another origin fails, in place of taking the header along.
    const build = (): Request => new Request(input, { ...init, mode: "same-origin" });
    const request = build();
    if (new URL(request.url).origin !== location.origin) {
      throw new TypeError(`${request.url} is of another origin: use the browser's own fetch`);
    }
    if (!state.current && !/^(GET|HEAD|OPTIONS)$/.test(request.method)) await learn(request.signal);
    const before = state.current;
    let answer = await send(request);
    if (answer.status === 403 && CURABLE.includes(String((await problem(answer)).code))) {
      await learn(request.signal);
      // What one person asked for is not done in the name of another.
      const same = !before || identity(before) === identity(state.current);
      const whole = !(init?.body instanceof ReadableStream) && !(input instanceof Request && input.bodyUsed);
      if (state.current?.authenticated && same && whole) answer = await send(build());
    }
    if (answer.status === 401) {
      const { code, login_url } = await problem(answer);
      if (typeof login_url === "string") {
        const url = loginFrom(login_url, options.loginOrigins);
        const stepUp = code === "insufficient_user_authentication" ? asked(url.searchParams) : undefined;
        // Who is told that nobody is signed in should know it.
        if (!stepUp) void state.look().catch(() => {});
        const required = new LoginRequired(url.href, stepUp, answer);
        leave(required);
        throw required;
      }
    }
    return answer;
  };
}

/** The problem details of an answer, whose body stays unread. */
async function problem(answer: Response): Promise<Problem> {
  if (!answer.headers.get("content-type")?.startsWith("application/problem+json")) return {};
  const told: unknown = await answer.clone().json().catch(() => undefined);
  return typeof told === "object" && told !== null ? told : {};
}

function asked(query: URLSearchParams): StepUp {
  const [acrValues, maxAge] = [query.get("acr_values"), query.get("max_age")];
  return { ...(acrValues !== null && { acrValues }), ...(maxAge !== null && { maxAge: Number(maxAge) }) };
}
