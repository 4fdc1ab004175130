/**
 * The machines that a worker knows by name, and who may use them. Callers of the API give names; how a machine is reached,
 * and with which keys, is for the worker's operator alone to say.
 *
 * @since 0.1.0
 */
import { Context, type Duration, Effect, FileSystem, Layer, Option, Schema } from "effect"
import * as SessionConfig from "@toehold/bootstrap-service/SessionConfig"
import { invalidRequest } from "./internal/schemaIssues.ts"
import * as SessionApiError from "./SessionApiError.ts"

const config = SessionConfig.Storable.fields

const matching = (pattern: RegExp, expected: string) =>
  Schema.String.check(Schema.makeFilter((text) => (pattern.test(text) ? undefined : expected)))

const Port = matching(/^[1-9][0-9]{0,4}$/, "it must be the number of a port")

const Endpoint = matching(
  /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}:[1-9][0-9]{0,4}$/,
  "it must be ADDRESS:PORT, such as 127.0.0.1:40123"
)

const Network = Schema.Struct({
  subnet: Schema.optionalKey(Schema.String),
  gateway: Schema.optionalKey(Schema.String),
  dns: Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * One machine: `target` is what the command line takes for a machine (`root@host:22`, an alias, `serial:unix:PATH`,
 * `vast:ID`, `local:`), `ip` its address where it is fixed, and `owners` who may use it (default: every caller).
 *
 * @since 0.1.0
 * @category models
 */
export const Entry = Schema.Struct({
  target: Schema.NonEmptyString,
  ip: config.vmIp,
  /** Where ports of the machine's are reached from the worker, if not at `ip`: `{"4096": "127.0.0.1:40123"}`. */
  forwards: Schema.optionalKey(Schema.Record(Port, Endpoint)),
  /** The network that a machine with nothing but a console is put into; see `MachineNetwork`. */
  network: Schema.optionalKey(Network),
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
    /** Every machine by its name, as of now: a file that is read may change. */
    readonly entries: ReadonlyMap<string, Entry>
    /** Those that an owner may use, in the order of the file. */
    readonly of: (owner: string) => ReadonlyArray<readonly [name: string, entry: Entry]>
    /** A machine by its name, if the owner may use it. */
    readonly find: (owner: string, name: string) => Option.Option<Entry>
  }
>()("@toehold/session-api/MachineCatalog") {}

const isFor = (owner: string, { owners }: Entry): boolean => owners === undefined || owners.includes(owner)

type Machines = (typeof File.Type)["machines"]

const entriesOf = (machines: Machines): ReadonlyMap<string, Entry> => new Map(Object.entries(machines))

const catalogOf = (entries: () => ReadonlyMap<string, Entry>): MachineCatalog["Service"] => ({
  get entries() {
    return entries()
  },
  of: (owner) => [...entries()].filter(([, entry]) => isFor(owner, entry)),
  find: (owner, name) => Option.filter(Option.fromUndefinedOr(entries().get(name)), (entry) => isFor(owner, entry))
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (file: typeof File.Type): MachineCatalog["Service"] => {
  const entries = entriesOf(file.machines)
  return catalogOf(() => entries)
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (file: typeof File.Type): Layer.Layer<MachineCatalog> => Layer.succeed(MachineCatalog, make(file))

const maxBytes = 4 * 1024 * 1024

const read = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const wrong = (message: string) =>
    SessionApiError.make(new SessionApiError.InvalidRequest({ issues: [{ path, message }] }))
  const { size } = yield* Effect.mapError(files.stat(path), () => wrong("the file can't be read"))
  if (size > BigInt(maxBytes)) return yield* wrong(`the file is larger than ${maxBytes} bytes`)
  const text = yield* Effect.mapError(files.readFileString(path), () => wrong("the file can't be read"))
  return yield* Schema.decodeEffect(Schema.fromJsonString(File), { onExcessProperty: "error" })(text).pipe(
    Effect.mapError(({ issue }) => SessionApiError.make(invalidRequest(path, issue)))
  )
})

/** What changes when a file is written anew, or another put in its place; one text for a file that is not there. */
const stampOf = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  return yield* files.stat(path).pipe(
    Effect.map(({ ino, mtime, size }) => {
      const at = Option.match(mtime, { onNone: () => "", onSome: (time) => String(time.getTime()) })
      return `${size} ${at} ${Option.getOrElse(ino, () => 0)}`
    }),
    Effect.orElseSucceed(() => "none")
  )
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FileOptions {
  /** How often it is looked whether the file has changed (default: 2 s). */
  readonly lookEvery?: Duration.Input | undefined
}

/**
 * The machines of a file, which is read again whenever it changes. Fails with `InvalidRequest`, which says what in the file
 * is wrong; a file that becomes wrong later changes nothing, and the log says why.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string,
  { lookEvery = "2 seconds" }: FileOptions = {}
): Layer.Layer<MachineCatalog, SessionApiError.SessionApiError, FileSystem.FileSystem> =>
  Layer.effect(
    MachineCatalog,
    Effect.gen(function* () {
      let stamp = yield* stampOf(path)
      let entries = entriesOf((yield* read(path)).machines)
      const look = Effect.gen(function* () {
        const now = yield* stampOf(path)
        if (now === stamp) return
        // Noted before it is read: what is written meanwhile is another change.
        stamp = now
        entries = entriesOf((yield* read(path)).machines)
        yield* Effect.logInfo("The machines were read again", { path, machines: entries.size })
      }).pipe(
        Effect.catch((error) =>
          Effect.logError("The file of machines is wrong: what was read of it before stands", {
            path,
            error: error.message
          })
        )
      )
      yield* look.pipe(Effect.delay(lookEvery), Effect.forever, Effect.forkScoped)
      return catalogOf(() => entries)
    })
  )
