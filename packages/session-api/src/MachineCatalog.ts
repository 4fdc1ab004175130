/**
 * The machines that a worker knows by name, and who may use them. Callers of the API give names; how a machine is reached,
 * and with which keys, is for the worker's operator alone to say.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, Layer, Option, Schema } from "effect"
import * as SessionConfig from "@toehold/bootstrap-service/SessionConfig"
import { invalidRequest } from "./internal/schemaIssues.ts"
import * as SessionApiError from "./SessionApiError.ts"

const config = SessionConfig.Storable.fields

/**
 * One machine: `target` is what the command line takes for a machine (`root@host:22`, an alias, `local:`), `ip` its address
 * for the agent's port where it is fixed, and `owners` who may use it (default: every caller).
 *
 * @since 0.1.0
 * @category models
 */
export const Entry = Schema.Struct({
  target: Schema.NonEmptyString,
  ip: config.vmIp,
  owners: Schema.optionalKey(Schema.Array(Schema.String)),
  identityFiles: Schema.optionalKey(Schema.Array(Schema.String)),
  knownHosts: Schema.optionalKey(Schema.String),
  hostKey: Schema.optionalKey(Schema.Literals(["strict", "accept-new", "off"])),
  /** Environment variable of the worker with the account's password. */
  passwordEnv: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Entry = typeof Entry.Type

/**
 * The file: `{"machines": {"NAME": {...}}}`.
 *
 * @since 0.1.0
 * @category models
 */
export const File = Schema.Struct({ machines: Schema.Record(config.vmId, Entry) })

/**
 * @since 0.1.0
 * @category services
 */
export class MachineCatalog extends Context.Service<
  MachineCatalog,
  {
    /** Every machine by its name. */
    readonly entries: ReadonlyMap<string, Entry>
    /** Those that an owner may use, in the order of the file. */
    readonly of: (owner: string) => ReadonlyArray<readonly [name: string, entry: Entry]>
    /** A machine by its name, if the owner may use it. */
    readonly find: (owner: string, name: string) => Option.Option<Entry>
  }
>()("@toehold/session-api/MachineCatalog") {}

const isFor = (owner: string, { owners }: Entry): boolean => owners === undefined || owners.includes(owner)

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (file: typeof File.Type): MachineCatalog["Service"] => {
  const entries = new Map(Object.entries(file.machines))
  return {
    entries,
    of: (owner) => [...entries].filter(([, entry]) => isFor(owner, entry)),
    find: (owner, name) => Option.filter(Option.fromUndefinedOr(entries.get(name)), (entry) => isFor(owner, entry))
  }
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (file: typeof File.Type): Layer.Layer<MachineCatalog> => Layer.succeed(MachineCatalog, make(file))

const maxBytes = 4 * 1024 * 1024

/**
 * The machines of a file. Fails with `InvalidRequest`, which says what in the file is wrong.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string
): Layer.Layer<MachineCatalog, SessionApiError.SessionApiError, FileSystem.FileSystem> =>
  Layer.effect(
    MachineCatalog,
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const wrong = (message: string) =>
        SessionApiError.make(new SessionApiError.InvalidRequest({ issues: [{ path, message }] }))
      const { size } = yield* Effect.mapError(files.stat(path), () => wrong("the file can't be read"))
      if (size > BigInt(maxBytes)) return yield* wrong(`the file is larger than ${maxBytes} bytes`)
      const text = yield* Effect.mapError(files.readFileString(path), () => wrong("the file can't be read"))
      const file = yield* Schema.decodeEffect(Schema.fromJsonString(File), { onExcessProperty: "error" })(text).pipe(
        Effect.mapError(({ issue }) => SessionApiError.make(invalidRequest(path, issue)))
      )
      return make(file)
    })
  )
