/**
 * Sessions in memory, for tests and for programs that keep them elsewhere.
 *
 * @since 0.1.0
 */
import { Layer } from "effect"
import { makeMemoryBackend } from "./internal/memoryBackend.ts"
import { makeSeal } from "./internal/secretSeal.ts"
import { makeStore } from "./internal/storeCore.ts"
import { SessionStore } from "./SessionStore.ts"

/**
 * A store that is empty at first and ends with its scope.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SessionStore> = Layer.effect(
  SessionStore,
  makeStore(makeMemoryBackend, { seal: makeSeal(undefined) })
)
