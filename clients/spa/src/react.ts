// Owns: the session as a React component sees it.

import { useSyncExternalStore } from "react";
import type { Client, Session } from "./index.js";

/** Who is signed in, now and after every change; `undefined` until it is known, and while a server renders. */
export function useSession(client: Client): Session | undefined {
  return useSyncExternalStore(client.onSessionChange, client.current, unknown);
}

const unknown = (): undefined => undefined;
