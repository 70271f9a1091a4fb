// Asks all the time, with the session and without, shows what is answered, and presses the buttons. All
// text reaches the page through textContent.

import { createClient } from "/wicketgate.js";

const client = createClient();

const $ = (id) => document.getElementById(id);

/** How often each kind of request is sent, and how long an answer may take, in milliseconds. */
const PERIOD = 200;
const LIMIT = 2000;

/** How long one bar of the strip is, and how many there are. */
const BAR = 500;
const BARS = 60;

/** A browser has six connections to a site; a button must find one that is free. */
const AT_ONCE = 2;

const KINDS = [
  { id: "verify", title: "Your session, at the service behind forwardauth", path: "/whoami/", mine: true },
  { id: "bff", title: "Your session, at the orders service behind bff", path: "/api/orders", mine: true },
  { id: "stranger", title: "No session, at the service behind forwardauth", path: "/whoami/", mine: false },
].map((kind) => ({ ...kind, pending: 0, seen: [], lastWell: 0, gap: 0 }));

/** Whether somebody is signed in, and who, as the first answers say. */
let authenticated = false;
let user;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// --- asking ------------------------------------------------------------------------------------------

async function ask(kind) {
  if (kind.pending >= (kind.mine ? AT_ONCE : 1) || (kind.mine && !authenticated)) return;
  kind.pending += 1;
  const seen = { at: performance.now(), status: 0 };
  try {
    const answer = await fetch(kind.path, {
      headers: { Accept: "application/json" },
      credentials: kind.mine ? "same-origin" : "omit",
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(LIMIT),
    });
    seen.status = answer.status;
    if (answer.ok && kind.id === "verify") whoIs(await answer.json());
  } catch {
    // No answer: the status stays 0.
  }
  kind.pending -= 1;
  const now = performance.now();
  if (isWell(kind, seen)) {
    kind.gap = Math.max(kind.gap, kind.lastWell ? now - kind.lastWell : 0);
    kind.lastWell = now;
  }
  judge(kind, seen);
  kind.seen.push({ ...seen, at: now });
  while (kind.seen.length && kind.seen[0].at < now - BAR * BARS) kind.seen.shift();
}

const isWell = (kind, { status }) => (kind.mine ? status >= 200 && status < 300 : status === 401);

function whoIs(told) {
  const name = JSON.stringify(told.headers["x-user-id"]);
  user ??= name;
  if (name !== user) broken(`The service was told of ${name} in place of ${user}.`);
}

function judge(kind, { status }) {
  if (kind.mine && status === 401) broken("A living session was told to sign in.");
  if (!kind.mine && status >= 200 && status < 300) broken("Somebody without a session was let in.");
}

function broken(text) {
  $("verdict").dataset.kind = "broken";
  $("verdict").textContent = text;
}

// --- showing -----------------------------------------------------------------------------------------

const counted = [
  (status) => status >= 200 && status < 300,
  (status) => status === 503,
  (status) => status >= 500 && status !== 503,
  (status) => status === 401,
  (status) => status === 0,
];

function showAnswers() {
  const now = performance.now();
  $("answers").replaceChildren(...KINDS.map((kind) => {
    const recent = kind.seen.filter((seen) => seen.at > now - 1000);
    const cells = counted.map((is) => element("td", {}, String(recent.filter((seen) => is(seen.status)).length)));
    const wrong = kind.mine ? cells[3] : cells[0];
    if (wrong.textContent !== "0") wrong.className = "alarm";
    const waiting = kind.lastWell && (!kind.mine || authenticated) ? now - kind.lastWell : 0;
    const gap = Math.max(kind.gap, waiting) / 1000;
    const row = element("tr", { id: `answers-${kind.id}` }, element("th", { scope: "row" }, kind.title), ...cells);
    row.append(element("td", {}, `${gap.toFixed(1)} s`), element("td", {}, strip(kind, now)));
    return row;
  }));
}

function strip(kind, now) {
  const bars = Array.from({ length: BARS }, () => "");
  for (const seen of kind.seen) {
    const bar = BARS - 1 - Math.floor((now - seen.at) / BAR);
    if (bar < 0) continue;
    const is = isWell(kind, seen) ? (kind.mine ? "well" : "refused") : "away";
    if (bars[bar] !== "away") bars[bar] = is;
  }
  return element("ol", { class: "strip", "aria-hidden": "true" },
    ...bars.map((is) => (is ? element("li", { "data-kind": is }) : element("li"))));
}

const ACTS = { kill: "Kill", freeze: "Freeze", cut: "Cut", return: "Return" };

function showParts({ parts, told }) {
  $("told").textContent = told;
  const shown = JSON.stringify(parts);
  // A button that is exchanged while it is pressed is not pressed.
  if ($("parts").dataset.shown === shown) return;
  $("parts").dataset.shown = shown;
  $("parts").replaceChildren(...parts.map(({ id, title, condition, survives }) => {
    const acts = condition === "running" ? ["freeze", "cut"] : ["return"];
    if (condition === "running" && survives) acts.unshift("kill");
    const buttons = acts.map((act) => {
      const button = element("button", { type: "button", class: "button quiet", id: `${act}-${id}` }, ACTS[act]);
      button.addEventListener("click", () => press(id, act, button));
      return button;
    });
    return element("li", { id: `part-${id}` },
      element("span", { class: "name" }, title),
      element("span", { class: "condition", "data-condition": condition }, condition),
      element("span", { class: "acts" }, ...buttons));
  }));
}

async function press(id, act, button) {
  button.disabled = true;
  for (const kind of KINDS) kind.gap = 0;
  try {
    const answer = await fetch(`/chaos/parts/${id}/${act}`, { method: "POST" });
    if (answer.ok) return showParts(await answer.json());
  } catch {
    // The next look says what became of it.
  }
  button.disabled = false;
}

// --- all the time ------------------------------------------------------------------------------------

async function look() {
  try {
    const answer = await fetch("/chaos/state", { cache: "no-store" });
    if (answer.ok) showParts(await answer.json());
  } catch {
    $("told").textContent = "The demo does not answer.";
  }
}

async function whoIsThere() {
  try {
    // No stream of events: it would take one of the six connections for itself.
    ({ authenticated } = await client.session({ slide: false }));
    $("sign-in").hidden = authenticated;
    $("nobody").hidden = authenticated;
    clearInterval(asking);
  } catch {
    // Asked again.
  }
}

const asking = setInterval(whoIsThere, 1000);
for (const kind of KINDS) setInterval(() => ask(kind), PERIOD);
setInterval(showAnswers, 250);
setInterval(look, 1000);
whoIsThere();
look();
showAnswers();
