// src/react.ts
import { useSyncExternalStore } from "react";
function useSession(client) {
  return useSyncExternalStore(client.onSessionChange, client.current, unknown);
}
var unknown = () => void 0;
export {
  useSession
};
