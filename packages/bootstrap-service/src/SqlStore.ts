/**
 * Sessions in a database: SQLite or PostgreSQL.
 *
 * @since 0.1.0
 */
import { type Duration, Layer, type Redacted } from "effect"
import type { SqlClient } from "effect/sql"
import type * as BootstrapError from "./BootstrapError.ts"
import { makeSqlBackend } from "./internal/sqlBackend.ts"
import { makeSeal } from "./internal/secretSeal.ts"
import { makeStore } from "./internal/storeCore.ts"
import { SessionStore } from "./SessionStore.ts"

/**
 * Options of the store.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How often changes that other processes made are looked for while somebody waits for one (default: 500 ms). */
  readonly pollInterval?: Duration.Input | undefined
  /**
   * What the sessions' secrets are encrypted with, the same for every process on the database: 32 random characters or
   * more. Without it they are in the database as they are.
   */
  readonly secretKey?: Redacted.Redacted<string> | undefined
}

/**
 * The store in the database that is there; see the `Database` module. Its tables are made, and brought up to date, first.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = ({
  pollInterval,
  secretKey
}: Options): Layer.Layer<SessionStore, BootstrapError.BootstrapError, SqlClient.SqlClient> =>
  Layer.effect(SessionStore, makeStore(makeSqlBackend, { pollInterval, seal: makeSeal(secretKey) }))

/**
 * The same as it is by default: without a key for secrets.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SessionStore, BootstrapError.BootstrapError, SqlClient.SqlClient> = layerWith({})
