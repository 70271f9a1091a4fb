// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import type { Client, Listener, Session } from "../src/index.js";
import { useSession } from "../src/react.js";
import { alice, bob, nobody } from "./world.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

function scripted() {
  let now: Session | undefined;
  const listeners = new Set<Listener>();
  const client = {
    current: () => now,
    onSessionChange: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Client;
  const become = (session: Session): void => {
    now = session;
    for (const listener of listeners) listener({ why: "session", session });
  };
  return { client, listeners, become };
}

function Who({ client }: { readonly client: Client }) {
  const session = useSession(client);
  return <p>{session === undefined ? "unknown" : session.authenticated ? session.user.id : "nobody"}</p>;
}

it("a component shows who is signed in, after each change, and listens no longer than it is there", async () => {
  const { client, listeners, become } = scripted();
  const place = document.createElement("div");
  const root = createRoot(place);
  await act(() => root.render(<Who client={client} />));
  expect(place.textContent).toBe("unknown");
  for (const [session, text] of [[alice, "alice"], [bob, "bob"], [nobody, "nobody"]] as const) {
    await act(() => become(session));
    expect(place.textContent).toBe(text);
  }
  expect(listeners.size).toBe(1);
  await act(() => root.unmount());
  expect(listeners.size).toBe(0);
});

it("a server that renders knows nobody", () => {
  const { client, become } = scripted();
  become(alice);
  expect(renderToString(<Who client={client} />)).toBe("<p>unknown</p>");
});
