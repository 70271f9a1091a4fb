// The page of the platform. It holds no token: the cookie is one that script cannot read, and the CSRF value is good for
// nothing by itself. Nothing is put into the browser's storage.
const element = (id) => document.getElementById(id);
const session = await (await fetch("/api/auth/session")).json();

const call = async (method, path, body) => {
  const answer = await fetch(path, {
    method,
    headers: { "X-CSRF-Token": session.csrf_token, ...(body && { "Content-Type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (answer.status === 401) location.assign("/auth/login?return_to=/");
  return { status: answer.status, text: await answer.text() };
};

const does = (id, ...request) => {
  element(id).addEventListener("click", async () => {
    const { status, text } = await call(...request);
    element("result").textContent = `${id} ${status} ${text}`;
  });
};

does("pay", "POST", "/api/payments", { vendor: "carol", cents: 500 });
does("paid", "GET", "/api/payouts");
does("rename", "PUT", "/api/profile", { nickname: "Ace" });
does("block", "POST", "/api/admin/blocked/mallory");

if (session.authenticated) {
  const { user, frontends } = JSON.parse((await call("GET", "/api/me")).text);
  for (const [name, shown] of Object.entries(frontends)) element(name).hidden = !shown;
  element("login").hidden = true;
  element("logout").hidden = false;
  element("logout").href = session.logout_url;
  element("who").textContent = user;
}
