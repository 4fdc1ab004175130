/** The simulated account in one file, from which it goes on when the simulator is started again. */
import { Effect, FileSystem, Schema } from "effect"
import { LabError } from "../../LabError.ts"
import type { InstanceRecord } from "./instanceRecord.ts"
import type { HostKeys } from "./machine.ts"

const Pair = Schema.Struct({
  type: Schema.Literals(["ed25519", "ecdsa", "rsa"]),
  algorithm: Schema.String,
  privateKey: Schema.String,
  publicKey: Schema.String,
  fingerprint: Schema.String
})

const Key = Schema.Struct({ id: Schema.Int, publicKey: Schema.String, createdAt: Schema.String })
const Welcome = Schema.Literals(["forward", "refuse", "stall", "drop"])

const Instance = Schema.Struct({
  id: Schema.Int,
  machineId: Schema.Int,
  apiKey: Schema.String,
  startDate: Schema.Finite,
  image: Schema.String,
  runtype: Schema.String,
  env: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
  onstart: Schema.NullOr(Schema.String),
  disk: Schema.Finite,
  isBid: Schema.Boolean,
  fate: Schema.Literals(["runs", "bad-image", "container-error", "loads", "no-gpu", "offline"]),
  label: Schema.NullOr(Schema.String),
  actualStatus: Schema.NullOr(Schema.String),
  intendedStatus: Schema.String,
  curState: Schema.String,
  nextState: Schema.String,
  statusMsg: Schema.NullOr(Schema.String),
  keys: Schema.Array(Key),
  workspace: Schema.Literals(["root", "home"]),
  doors: Schema.Struct({ direct: Schema.optionalKey(Welcome), proxy: Schema.optionalKey(Welcome) }),
  ports: Schema.Struct({ direct: Schema.NullOr(Schema.Int), proxy: Schema.NullOr(Schema.Int) }),
  /** Of an account that was saved before there were such. */
  mappedPorts: Schema.Record(Schema.String, Schema.Int).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  hostKeys: Schema.Struct({ direct: Schema.Array(Pair), proxy: Schema.Array(Pair) })
})

/** An instance, and what its machine is to be made of again. */
export type SavedInstance = typeof Instance.Type

const Account = Schema.Struct({
  /** For `VAST_URL` and `VAST_API_KEY` of whoever shares the simulator. */
  url: Schema.String,
  apiKey: Schema.String,
  lastId: Schema.Int,
  apiKeys: Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      key: Schema.String,
      name: Schema.String,
      rights: Schema.Union([Schema.Literals(["all", "read"]), Schema.Struct({ instance: Schema.Int })])
    })
  ),
  secrets: Schema.Record(Schema.String, Schema.String),
  sshKeys: Schema.Array(Key),
  rentedOffers: Schema.Array(Schema.Int),
  isTeam: Schema.Boolean,
  wrapsKeys: Schema.Boolean,
  listsInstance: Schema.Boolean,
  instances: Schema.Array(Instance)
})

export type SavedAccount = typeof Account.Type

const Text = Schema.fromJsonString(Account)

const failed = (file: string) => (cause: unknown) =>
  new LabError({ message: `The simulator can't use the file ${file}`, cause })

/** What the file holds; `undefined` where there is none yet. */
export const read = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<SavedAccount | undefined, LabError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* Effect.mapError(fs.exists(file), failed(file)))) return undefined
  return yield* Effect.flatMap(fs.readFileString(file), Schema.decodeEffect(Text)).pipe(Effect.mapError(failed(file)))
})

/** Host keys as they were saved. */
export const hostKeysOf = ({ hostKeys: { direct, proxy } }: SavedInstance): HostKeys => {
  const whole = (pairs: SavedInstance["hostKeys"]["direct"]) =>
    pairs.map((pair) => ({ ...pair, blob: Buffer.from(pair.publicKey.split(" ")[1] ?? "", "base64") }))
  return { direct: whole(direct), proxy: whole(proxy) }
}

/** An instance as it is saved. */
export const savedInstance = ({ machine, ...record }: InstanceRecord): Effect.Effect<SavedInstance> =>
  Effect.map(machine.hostKeys, (hostKeys) => ({
    ...record,
    ports: { direct: machine.direct?.port ?? null, proxy: machine.proxy?.port ?? null },
    hostKeys
  }))

/** Writes all of it, whole or not at all. The file is its owner's: it has every secret of the account. */
export const write = Effect.fnUntraced(function* (
  file: string,
  account: SavedAccount
): Effect.fn.Return<void, LabError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  yield* Schema.encodeEffect(Text)(account).pipe(
    Effect.flatMap((text) => fs.writeFileString(`${file}.new`, `${text}\n`, { mode: 0o600 })),
    Effect.andThen(fs.rename(`${file}.new`, file)),
    Effect.mapError(failed(file))
  )
})
