// The sample single-page application. It keeps nothing: who is signed in is asked of the BFF, and told to all
// of its tabs as it changes, by the client that any page may use. All text reaches the page through textContent.

import { createClient, LoginRequired } from "/wicketgate.js";

const $ = (id) => document.getElementById(id);

/** A page that says what happened is of more use here than one that leaves at once: it shows where to sign in. */
const client = createClient({
  navigate: (address, required) => {
    if (!required) location.assign(address);
  },
});

/** How often to look again while the session cannot be read. */
const RETRY_SECONDS = 5;

/** Who is signed in, as the last answer of /api/auth/session says; at first nobody. */
const session = () => client.current() ?? { authenticated: false };

// --- talking to the server -------------------------------------------------------------------------

/**
 * One exchange: what was asked, the answer's status, and its body, parsed where it is JSON. `by` is the browser's own
 * fetch, or that of the client.
 */
async function call(by, method, path, { headers = {}, json } = {}) {
  const init = { method, headers: { Accept: "application/json", ...headers } };
  if (json !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(json);
  }
  const asked = `${method} ${path}`;
  let login;
  try {
    const response = await by(path, init).catch((error) => {
      if (!(error instanceof LoginRequired)) throw error;
      login = error.loginUrl;
      return error.response;
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
    const body = isJson ? parseOr(text, text) : text;
    return { asked, ok: response.ok, status: response.status, statusText: response.statusText, body, login };
  } catch {
    return { asked, ok: false, status: 0, statusText: "no answer", body: { title: "The server did not answer" } };
  }
}

function parseOr(text, otherwise) {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** As a stranger's page would ask: with nothing but what the browser adds. */
const bare = (...exchange) => call((...request) => fetch(...request), ...exchange);

/** As an application asks: with the CSRF header, where somebody is signed in. */
const api = (...exchange) => call(client.fetch, ...exchange);

// --- building the page -----------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An RFC 9457 problem in words; the code and request id are what a person quotes when asking for help. */
function showProblem(place, answer) {
  const problem = typeof answer.body === "object" && answer.body ? answer.body : {};
  const title = problem.title ?? (`${answer.status} ${answer.statusText}`.trim());
  const parts = [element("h3", {}, title)];
  if (problem.detail) parts.push(element("p", {}, problem.detail));
  const reference = [answer.status || null, problem.code, problem.request_id && `request ${problem.request_id}`];
  const line = element("p", {}, element("code", {}, reference.filter(Boolean).join(" · ")));
  if (answer.login) line.append(" ", element("a", { href: answer.login }, "Sign in"));
  parts.push(line);
  place.replaceChildren(...parts);
  place.hidden = false;
}

// --- who is signed in ------------------------------------------------------------------------------

async function loadSession() {
  try {
    await client.session({ slide: false });
    $("outage").hidden = true;
  } catch (error) {
    const { status = 0 } = error;
    showProblem($("outage"), { status, body: { title: "Who is signed in cannot be told right now" } });
  }
}

function showSession() {
  const { authenticated: inside, user = {}, tenant } = session();
  for (const id of ["signed-in", "sign-out", "new-order"]) $(id).hidden = !inside;
  for (const id of ["signed-out", "sign-in"]) $(id).hidden = inside;
  if (!inside) {
    $("orders").replaceChildren();
    $("orders-problem").hidden = true;
    $("orders-empty").textContent = "Sign in to see your orders.";
    $("orders-empty").hidden = false;
    return;
  }
  $("user-name").textContent = user.name ?? user.preferred_username ?? user.id ?? "Somebody";
  $("user-email").textContent = user.email ?? "none given";
  $("user-roles").textContent = (user.roles ?? []).join(", ") || "none";
  $("user-tenant").textContent = tenant || "default";
  tick();
}

/** Looks again. Only the orders count as activity, and they are asked for only with a session. */
async function refresh() {
  await loadSession();
  await loadOrders();
}

let ticks = 0;

function tick() {
  showVisible();
  ticks += 1;
  if (!$("outage").hidden && ticks % RETRY_SECONDS === 0) refresh();
  const { authenticated, expires_at: absolute, idle_expires_at: idle } = session();
  if (!authenticated) return;
  const end = Math.min(absolute, idle);
  const left = Math.floor(end - Date.now() / 1000);
  $("expires-in").textContent = left > 0 ? `in ${duration(left)}` : "now";
  $("expires-why").textContent = end === idle && idle < absolute ? "unless used" : "";
}

function duration(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// --- orders ----------------------------------------------------------------------------------------

async function loadOrders() {
  if (!session().authenticated) return;
  const answer = await api("GET", "/api/orders");
  $("orders-problem").hidden = answer.ok;
  $("orders-empty").hidden = true;
  if (!answer.ok) {
    showProblem($("orders-problem"), answer);
    return;
  }
  const orders = Array.isArray(answer.body) ? answer.body : (answer.body.orders ?? []);
  $("orders").replaceChildren(...orders.map((order) => element("li", {},
    element("span", { class: "id" }, `#${order.id}`),
    element("span", { class: "item" }, order.item),
    element("span", { class: "quantity" }, `× ${order.quantity}`))));
  $("orders-empty").hidden = orders.length > 0;
  $("orders-empty").textContent = "Nothing ordered yet.";
}

async function placeOrder(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button");
  button.disabled = true;
  const fields = new FormData(form);
  const json = { item: fields.get("item").trim(), quantity: Number(fields.get("quantity")) };
  const answer = await api("POST", "/api/orders", { json });
  button.disabled = false;
  if (!answer.ok) {
    showProblem($("orders-problem"), answer);
    return;
  }
  form.reset();
  form.querySelector("input").focus();
  await loadOrders();
}

// --- what script can see ---------------------------------------------------------------------------

const SECRET = /eyJ[\w-]+\.[\w-]+\.|bff_session|__Host-|access_token|refresh_token|id_token/;

function showVisible() {
  const cookie = JSON.stringify(document.cookie);
  const storage = `localStorage   ${dump(localStorage)}\nsessionStorage ${dump(sessionStorage)}`;
  setText("visible-cookie", cookie);
  setText("visible-storage", storage);
  const found = SECRET.test(cookie + storage);
  $("visible-verdict").dataset.kind = found ? "broken" : "held";
  setText("visible-verdict", found ? "Something secret is readable here." : "Neither the cookie nor any token is here.");
}

const dump = (storage) => JSON.stringify(Object.fromEntries(Object.entries(storage)));

/** Leaves equal text alone, so that a selection in it survives the next tick. */
function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

// --- try to break it -------------------------------------------------------------------------------

const IDENTITY = ["x-user-id", "x-user-roles", "x-session-id", "x-auth-time", "x-tenant-id", "x-tenant-slug",
  "x-master-flags", "authorization", "cookie"];

const order = { item: "Battering ram", quantity: 1 };

const attempts = {
  "no-csrf": {
    send: () => bare("POST", "/api/orders", { json: order }),
    judge: ({ status }) => {
      if (status === 403) return ["held", "Refused: the cookie alone places no order."];
      if (status === 401) return ["held", "Refused: nobody is signed in."];
      return ["broken", "This should have been 403."];
    },
  },
  whoami: {
    send: () => bare("GET", "/whoami/"),
    judge: judgeIdentity,
  },
  spoof: {
    send: () => bare("GET", "/whoami/", { headers: {
      "X-User-ID": "mallory", "X_User_ID": "mallory", "X.User.ID": "mallory", "X-User-Roles": "ADMIN,mallory",
    } }),
    judge: (answer) => (JSON.stringify(answer.body).includes("mallory")
      ? ["broken", "The service heard of mallory."]
      : judgeIdentity(answer)),
  },
  "no-scope": {
    send: () => api("POST", "/api/orders", { json: order }),
    after: loadOrders,
    judge: ({ status, body }) => {
      if (body?.code === "insufficient_scope") return ["held", "Refused: the token does not carry orders:write."];
      if (status === 401) return ["held", "Refused: nobody is signed in."];
      if (status === 201) return ["note", "Placed: this token carries orders:write. Sign in as carol to be refused."];
      return ["broken", "Neither placed nor refused."];
    },
  },
  verify: {
    send: () => bare("GET", "/auth/verify"),
    judge: ({ status }) => (status === 404
      ? ["held", "Not reachable from outside."]
      : ["broken", "The proxy should not route this."]),
  },
};

function judgeIdentity({ status, body }) {
  if (status === 401) return ["held", "Turned away: 401 and JSON, never a redirect for a fetch."];
  const received = body?.headers;
  if (!received?.["x-user-id"]) return ["broken", "The service was reached without an identity."];
  if (received.cookie) return ["broken", "The session cookie reached the service."];
  return ["held", `The service knows ${received["x-user-id"].join(", ")} from the gate alone. No cookie reached it.`];
}

async function attempt(name, button) {
  for (const other of document.querySelectorAll("[data-attempt]")) {
    other.setAttribute("aria-current", String(other === button));
  }
  button.disabled = true;
  const answer = await attempts[name].send();
  button.disabled = false;
  button.focus({ preventScroll: true });
  showResult(answer, attempts[name].judge(answer));
  $("result").scrollIntoView({ block: "nearest" });
  await attempts[name].after?.();
}

function showResult(answer, [kind, says]) {
  const tone = answer.ok ? "status" : "status refused";
  const status = element("span", { class: tone }, `${answer.status || ""} ${answer.statusText}`.trim());
  $("result").replaceChildren(
    element("p", { class: "exchange" }, element("span", {}, answer.asked), status),
    element("p", { class: "verdict", "data-kind": kind }, says),
    answer.body?.headers ? headerTable(answer.body.headers) : element("pre", { tabindex: "0" }, pretty(answer.body)),
  );
}

const pretty = (body) => (typeof body === "string" ? body.trim() || "(no body)" : JSON.stringify(body, null, 2));

function headerTable(headers) {
  const rows = IDENTITY.map((name) => element("tr", { class: headers[name] ? "ours" : "" },
    element("th", { scope: "row" }, name),
    headers[name]?.some(Boolean)
      ? element("td", {}, headers[name].join("\n"))
      : element("td", { class: "none" }, headers[name] ? "empty" : "not sent")));
  return element("table", { class: "headers" },
    element("caption", {}, "Headers the service received"), element("tbody", {}, ...rows));
}

// --- start -----------------------------------------------------------------------------------------

$("new-order").addEventListener("submit", placeOrder);
$("attempts").addEventListener("click", (event) => {
  const button = event.target.closest("[data-attempt]");
  if (button) attempt(button.dataset.attempt, button);
});
$("sign-in").addEventListener("click", (event) => {
  event.preventDefault();
  client.login();
});
$("sign-in-by-link").addEventListener("click", (event) => {
  event.preventDefault();
  client.login({ method: "magic_link" });
});
$("sign-out").addEventListener("click", (event) => {
  event.preventDefault();
  // While the session cannot be read, the server's own page still asks whether to sign out.
  client.logout().catch(() => location.assign("/auth/logout"));
});
setInterval(tick, 1000);
tick();
let shown;
client.onSessionChange(() => {
  $("outage").hidden = true;
  showSession();
  const user = session().user?.id;
  if (user !== shown) loadOrders();
  shown = user;
});
await loadSession();
