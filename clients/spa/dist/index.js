// src/addresses.ts
var LOGIN = "/auth/login";
var NAMES = [
  ["idp", "idp"],
  ["prompt", "prompt"],
  ["acrValues", "acr_values"],
  ["maxAge", "max_age"],
  ["loginHint", "login_hint"],
  ["uiLocales", "ui_locales"],
  ["method", "method"]
];
function loginUrl(options = {}) {
  const query = new URLSearchParams({ return_to: returnTo(options.returnTo) });
  for (const [option, name] of NAMES) {
    const value = options[option];
    if (value !== void 0) query.set(name, String(value));
  }
  return `${LOGIN}?${query}`;
}
function returnTo(target = location.href) {
  const url = parse(target);
  const strange = !url || url.origin !== location.origin || url.pathname.startsWith("//");
  return strange || /^\/(api\/)?auth(\/|$)/.test(url.pathname) ? "/" : url.pathname + url.search + url.hash;
}
function loginFrom(told, listed = []) {
  const named = parse(told);
  const known = named && (named.origin === location.origin || listed.includes(named.origin));
  const url = known ? named : new URL(LOGIN, location.origin);
  url.searchParams.set("return_to", url.origin === location.origin ? returnTo() : location.href);
  return url;
}
function ownAddress(told) {
  const url = parse(told);
  return url?.origin === location.origin ? url.href : void 0;
}
function parse(text) {
  try {
    const url = new URL(text, location.href);
    return /^https?:$/.test(url.protocol) ? url : void 0;
  } catch {
    return void 0;
  }
}

// src/session.ts
var SessionUnavailable = class extends Error {
  constructor(status, retryAfter) {
    super(`the session cannot be read: ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
  status;
  retryAfter;
  name = "SessionUnavailable";
};

// src/state.ts
var NAME = "wicketgate";
var State = class {
  current;
  listeners = /* @__PURE__ */ new Set();
  #looking;
  #asked = 0;
  #taken = 0;
  /** Asks the server. */
  async session({ slide = true, signal } = {}, tell = true) {
    const mine = ++this.#asked;
    const answer = await fetch(`/api/auth/session${slide ? "" : "?slide=false"}`, {
      mode: "same-origin",
      cache: "no-store",
      headers: { accept: "application/json" },
      ...signal && { signal }
    });
    if (!answer.ok) {
      const seconds = Number(answer.headers.get("retry-after") ?? NaN);
      throw new SessionUnavailable(answer.status, Number.isFinite(seconds) ? seconds : void 0);
    }
    const session = await answer.json();
    if (mine > this.#taken) {
      this.#taken = mine;
      this.take(session, tell);
    }
    return session;
  }
  /** Asks without using the session, once for all who want to know. */
  look(tell = true) {
    this.#looking ??= this.session({ slide: false }, tell).finally(() => this.#looking = void 0);
    return this.#looking;
  }
  /** Keeps what is known now. `tell` lets the other tabs look, if it is somebody else. */
  take(session, tell) {
    const before = this.current;
    this.current = session;
    if (JSON.stringify(before) === JSON.stringify(session)) return;
    if (tell && who(before) !== who(session) && "BroadcastChannel" in globalThis) {
      const channel = new BroadcastChannel(NAME);
      channel.postMessage({ who: who(session) });
      channel.close();
    }
    this.tell({ why: "session", session });
  }
  tell(change) {
    for (const listener of [...this.listeners]) {
      try {
        listener(change);
      } catch (error) {
        reportError(error);
      }
    }
  }
};
function who(session) {
  return session ? JSON.stringify(session.authenticated && [identity(session), session.expires_at]) : "";
}
function identity(session) {
  return JSON.stringify(session?.authenticated && [session.user, session.tenant]) ?? "";
}

// src/call.ts
var LoginRequired = class extends Error {
  constructor(loginUrl2, stepUp, response) {
    super("a login is required");
    this.loginUrl = loginUrl2;
    this.stepUp = stepUp;
    this.response = response;
  }
  loginUrl;
  stepUp;
  response;
  name = "LoginRequired";
};
var CURABLE = ["csrf_header_missing", "csrf_token_invalid"];
function caller(state, options, leave) {
  const header = options.csrfHeader ?? "X-CSRF-Token";
  const send = (request) => {
    const session = state.current;
    if (session?.authenticated && !request.headers.has(header)) request.headers.set(header, session.csrf_token);
    return fetch(request);
  };
  const learn = async (signal) => {
    await state.session({ slide: false, signal }).catch(() => signal.throwIfAborted());
  };
  return async (input, init) => {
    const build = () => new Request(input, { ...init, mode: "same-origin" });
    const request = build();
    if (new URL(request.url).origin !== location.origin) {
      throw new TypeError(`${request.url} is of another origin: use the browser's own fetch`);
    }
    if (!state.current && !/^(GET|HEAD|OPTIONS)$/.test(request.method)) await learn(request.signal);
    const before = state.current;
    let answer = await send(request);
    if (answer.status === 403 && CURABLE.includes(String((await problem(answer)).code))) {
      await learn(request.signal);
      const same = !before || identity(before) === identity(state.current);
      const whole = !(init?.body instanceof ReadableStream) && !(input instanceof Request && input.bodyUsed);
      if (state.current?.authenticated && same && whole) answer = await send(build());
    }
    if (answer.status === 401) {
      const { code, login_url } = await problem(answer);
      if (typeof login_url === "string") {
        const url = loginFrom(login_url, options.loginOrigins);
        const stepUp = code === "insufficient_user_authentication" ? asked(url.searchParams) : void 0;
        if (!stepUp) void state.look().catch(() => {
        });
        const required = new LoginRequired(url.href, stepUp, answer);
        leave(required);
        throw required;
      }
    }
    return answer;
  };
}
async function problem(answer) {
  if (!answer.headers.get("content-type")?.startsWith("application/problem+json")) return {};
  const told = await answer.clone().json().catch(() => void 0);
  return typeof told === "object" && told !== null ? told : {};
}
function asked(query) {
  const [acrValues, maxAge] = [query.get("acr_values"), query.get("max_age")];
  return { ...acrValues !== null && { acrValues }, ...maxAge !== null && { maxAge: Number(maxAge) } };
}

// src/follow.ts
var EVENTS = ["ready", "refreshed", "expiring", "step_up", "revoked"];
var FIRST = 1e3;
var MOST = 3e4;
function follow(state, loginOrigins) {
  let stop;
  const begin = () => {
    stop = new AbortController();
    run(state, loginOrigins, stop.signal);
  };
  const end = () => {
    stop?.abort();
    stop = void 0;
  };
  const back = (event) => {
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
function run(state, loginOrigins, signal) {
  const { locks } = navigator;
  const channel = locks && "BroadcastChannel" in globalThis ? new BroadcastChannel(NAME) : void 0;
  const news = new EventTarget();
  const wake = () => {
    news.dispatchEvent(new Event("wake"));
  };
  const look = (tell = true) => state.look(tell).then(
    () => true,
    () => false
  );
  const hear = (event, told) => {
    const session = state.current;
    if (event === "revoked") {
      state.session({ slide: false }, false).catch(() => state.take({ authenticated: false }, false));
    } else if (!session?.authenticated || (told.expires_at ?? session.expires_at) !== session.expires_at) {
      look(false);
    } else if (event === "step_up") {
      state.tell({ why: "step_up", session, loginUrl: loginFrom(told.login_url ?? "", loginOrigins).href });
    } else if (event === "expiring") {
      state.tell({ why: "expiring", session, in: told.in ?? 0 });
    } else if (told.idle_expires_at !== void 0 && told.idle_expires_at !== session.idle_expires_at) {
      state.take({ ...session, idle_expires_at: told.idle_expires_at }, false);
    } else if (event === "refreshed") {
      look(false);
    }
  };
  if (channel) {
    channel.onmessage = ({ data }) => {
      if ("event" in data) hear(data.event, data.told);
      else if (data.who !== who(state.current)) look(false);
    };
  }
  const woken = ({ session }) => {
    if (session.authenticated) wake();
  };
  state.listeners.add(woken);
  signal.addEventListener("abort", () => {
    state.listeners.delete(woken);
    channel?.close();
    wake();
  });
  const wait = (milliseconds) => new Promise((done) => {
    if (signal.aborted) return done();
    const end = () => {
      clearTimeout(timer);
      news.removeEventListener("wake", end);
      done();
    };
    const timer = milliseconds === void 0 ? void 0 : setTimeout(end, milliseconds);
    news.addEventListener("wake", end);
  });
  const listen = () => new Promise((done) => {
    const source = new EventSource("/api/auth/events");
    let pause;
    const end = () => {
      source.close();
      signal.removeEventListener("abort", end);
      done(pause);
    };
    signal.addEventListener("abort", end);
    for (const event of EVENTS) {
      source.addEventListener(event, ({ data }) => {
        const told = JSON.parse(data);
        channel?.postMessage({ event, told });
        hear(event, told);
        pause = event === "revoked" ? 0 : FIRST;
        if (event === "revoked") end();
      });
    }
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) end();
    };
  });
  const lead = async () => {
    let pause = FIRST;
    while (!signal.aborted) {
      const known = await look();
      if (signal.aborted) return;
      if (known && !state.current?.authenticated) {
        await wait();
        pause = FIRST;
        continue;
      }
      const told = known ? await listen() : void 0;
      await wait(told ?? pause);
      pause = told === void 0 ? Math.min(pause * 2, MOST) : FIRST;
    }
  };
  const settle = async () => {
    for (let pause = FIRST; !await look() && !signal.aborted; pause = Math.min(pause * 2, MOST)) await wait(pause);
  };
  void settle();
  if (channel) locks.request(NAME, { signal }, lead).catch(() => {
  });
  else void lead();
}

// src/index.ts
var TOGETHER = 2e3;
function createClient(options = {}) {
  const state = new State();
  const navigate = options.navigate ?? ((address) => location.assign(address));
  let left = -TOGETHER;
  let unfollow;
  const heard = /* @__PURE__ */ new Set();
  const leave = (required) => {
    const now = performance.now();
    if (now - left < TOGETHER) return;
    left = now;
    navigate(required.loginUrl, required);
  };
  const call = caller(state, options, leave);
  return {
    session: (asked2) => state.session(asked2),
    current: () => state.current,
    fetch: call,
    login: (asked2) => navigate(loginUrl(asked2)),
    loginUrl,
    logout: async ({ stay = false } = {}) => {
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
      const mine = (change) => listener(change);
      heard.add(mine);
      state.listeners.add(mine);
      unfollow ??= follow(state, options.loginOrigins);
      return () => {
        heard.delete(mine);
        state.listeners.delete(mine);
        if (heard.size > 0) return;
        unfollow?.();
        unfollow = void 0;
      };
    }
  };
}
export {
  LoginRequired,
  SessionUnavailable,
  createClient
};
