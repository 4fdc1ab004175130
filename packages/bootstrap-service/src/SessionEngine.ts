/**
 * What runs sessions so that they outlive their worker: Effect's workflow engine on the database of the sessions.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { Duration, Effect, Layer, Option } from "effect"
import {
  ClusterWorkflowEngine,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig,
  SqlMessageStorage,
  SqlRunnerStorage
} from "effect/cluster"
import { Digest } from "effect/crypto"
import type { SqlClient, SqlError } from "effect/sql"
import { WorkflowEngine } from "effect/workflow"
import type * as BootstrapError from "./BootstrapError.ts"
import type { Database } from "./Database.ts"
import * as EngineTidy from "./internal/engineTidy.ts"
import { lockFile } from "./internal/fileLock.ts"
import { storeFailed } from "./internal/storeFailed.ts"

const prefix = "toehold_cluster"

/** What a worker that is told to end waits for before it lets go of a step, which another begins anew then. */
const handOver = Duration.seconds(3)

/**
 * Options of the engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long what the engine wrote down of a session is kept when the session has no more need of it (default: 10 min). */
  readonly keepFor?: Duration.Input | undefined
  /** How often it looks for what may go (default: 5 min). */
  readonly tidyInterval?: Duration.Input | undefined
}

type Engine = Layer.Layer<WorkflowEngine.WorkflowEngine, BootstrapError.BootstrapError, SqlClient.SqlClient>

const engineOn = (
  storage: Layer.Layer<
    RunnerStorage.RunnerStorage,
    SqlError.SqlError,
    SqlClient.SqlClient | ShardingConfig.ShardingConfig
  >,
  config: Partial<ShardingConfig.ShardingConfig["Service"]>,
  { keepFor = "10 minutes", tidyInterval = "5 minutes" }: Options
): Engine =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(Layer.effectDiscard(EngineTidy.makeTidy(prefix, { keepFor, every: tidyInterval }))),
    Layer.provideMerge(Sharding.layer),
    // Workers talk through the database alone, so that none has a port that anybody could knock at.
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(SqlMessageStorage.layerWith({ prefix })),
    Layer.provide([storage, RunnerHealth.layerNoop]),
    Layer.provide(
      ShardingConfig.layer({
        entityTerminationTimeout: handOver,
        entityMessagePollInterval: Duration.seconds(1),
        simulateRemoteSerialization: false,
        ...config
      })
    ),
    Layer.provide(Digest.layerWebCrypto),
    Layer.catch((error) =>
      Layer.effect(WorkflowEngine.WorkflowEngine, Effect.fail(storeFailed(error, "its tables can't be made")))
    )
  )

/**
 * For one process on a file of SQLite. A second one on the same file fails with `StoreFailed`; when the first ends, by a
 * SIGKILL too, the next goes on with its sessions at once.
 */
const single = (file: string, options: Options): Engine =>
  engineOn(
    RunnerStorage.layerMemory,
    {
      // Nobody else brings messages.
      entityMessagePollInterval: Duration.seconds(10),
      // Nor is there anybody to share with, and each look at the messages asks for all shards.
      shardsPerGroup: 1
    },
    options
  ).pipe(Layer.provide(Layer.effectDiscard(lockFile(file))))

/**
 * For any number of processes on one PostgreSQL. What a worker holds it holds by advisory locks, which end with its
 * connection, and by a heartbeat every two seconds: seven without one, and the others share what it had.
 */
const shared = (options: Options): Engine =>
  Layer.unwrap(
    Effect.sync(() =>
      engineOn(
        SqlRunnerStorage.layerWith({ prefix }),
        {
          // A name, not a place to connect to; a worker that is started anew is another one.
          runnerAddress: Option.some(RunnerAddress.make(`${hostname()}-${randomUUID()}`, 0)),
          // Enough for a dozen workers to have about as many each.
          shardsPerGroup: 60,
          shardLockExpiration: Duration.seconds(7),
          shardLockRefreshInterval: Duration.seconds(2),
          refreshAssignmentsInterval: Duration.seconds(2)
        },
        options
      )
    )
  )

/**
 * The engine for a database, which is also that of the `SqlStore`: one process at a time on SQLite, where a second one fails with `StoreFailed`; any number on
 * PostgreSQL, which share the sessions. When a worker ends, however it ends, its sessions go on at the step they were in:
 * on SQLite as soon as the next process starts, on PostgreSQL in another worker within seconds.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (
  database: Database,
  options: Options
): Layer.Layer<WorkflowEngine.WorkflowEngine, BootstrapError.BootstrapError, SqlClient.SqlClient> =>
  database.kind === "sqlite" ? single(database.file, options) : shared(options)

/**
 * The same as it is by default.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  database: Database
): Layer.Layer<WorkflowEngine.WorkflowEngine, BootstrapError.BootstrapError, SqlClient.SqlClient> =>
  layerWith(database, {})

/**
 * An engine in memory, for tests: what it runs ends with it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<WorkflowEngine.WorkflowEngine> = WorkflowEngine.layerMemory
