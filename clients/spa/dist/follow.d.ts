import { type State } from "./state.js";
/** Follows the session until the answer is called. */
export declare function follow(state: State, loginOrigins: readonly string[] | undefined): () => void;
