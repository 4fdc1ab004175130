/**
 * A TCP port for a server that a test starts, or that nobody answers at.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import { freePort } from "./internal/freePort.ts"

/**
 * A port of 127.0.0.1 that nobody listens on right now.
 *
 * **Gotchas**
 *
 * Another process may take it before it is used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const onLoopback: Effect.Effect<number> = Effect.orDie(freePort("127.0.0.1"))
