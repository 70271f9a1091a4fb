import type { Client, Session } from "./index.js";
/** Who is signed in, now and after every change; `undefined` until it is known, and while a server renders. */
export declare function useSession(client: Client): Session | undefined;
