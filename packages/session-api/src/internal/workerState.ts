/** Where a worker keeps its database, and what the secrets in it are encrypted with, when nothing else is said. */
import { Effect, FileSystem, Option, Path, Redacted } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as Crypto from "node:crypto"
import * as SessionApiError from "../SessionApiError.ts"

/** `TOEHOLD_HOME`, else the folder of the system for what a program keeps. */
const stateFolder = Effect.gen(function* () {
  const { env, homeDir, os } = yield* ClientPlatform
  const paths = yield* Path.Path
  const given = (name: string): string | undefined => (env[name] === "" ? undefined : env[name])
  const own = given("TOEHOLD_HOME")
  if (own !== undefined) return own
  if (os === "win32") return paths.join(given("LOCALAPPDATA") ?? paths.join(homeDir, "AppData", "Local"), "toehold")
  // What systemd makes for a unit with StateDirectory=.
  const unit = given("STATE_DIRECTORY")
  if (unit !== undefined) return unit.split(":", 1)[0] ?? unit
  return paths.join(given("XDG_STATE_HOME") ?? paths.join(homeDir, ".local", "state"), "toehold")
})

const failed = (path: string) => (error: { readonly message: string }) =>
  SessionApiError.make(
    new SessionApiError.InvalidRequest({ issues: [{ path, message: `it can't be read or made: ${error.message}` }] })
  )

/** The file of SQLite, whose folder is there. */
export const defaultDatabase = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = yield* stateFolder
  yield* files.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(Effect.mapError(failed(folder)))
  return paths.join(folder, "api-worker.sqlite")
})

const keyLength = 32

/** The key of a file, which is made with a new one where it isn't there. */
export const keyOf = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const read = Effect.map(files.readFileString(path), (text) => text.trim())
  const made = yield* Effect.sync(() => Crypto.randomBytes(keyLength).toString("base64url"))
  // Of two that start at once one makes it, and both read the same.
  const text = yield* files.writeFileString(path, `${made}\n`, { flag: "wx", mode: 0o600 }).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "AlreadyExists",
      () => Effect.void
    ),
    Effect.andThen(read),
    Effect.mapError(failed(path))
  )
  if (text.length >= keyLength) return Redacted.make(text)
  return yield* failed(path)({ message: `a key has ${keyLength} characters or more` })
})

/** The secret in an environment variable, if it is set. */
export const secretOf = (name: string) =>
  Effect.map(ClientPlatform, ({ env }) => {
    const value = env[name]
    return value === undefined || value === "" ? Option.none() : Option.some(Redacted.make(value))
  })
