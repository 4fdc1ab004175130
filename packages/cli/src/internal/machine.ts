/** The machine that a command is for, and the flags that say how to log in to it. */
import { Effect, FileSystem, type PlatformError, Redacted, Result, Stream } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as Machine from "@toehold/machines/Machine"
import type { Policy } from "@toehold/ssh-core/HostKeys"
import * as SshError from "@toehold/ssh-core/SshError"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import type { Invocation } from "./commandSpec.ts"
import { secretFromEnvironment } from "./invocation.ts"
import type { UsageError } from "../UsageError.ts"

const unsupported = (machine: string, detail: string, hint: string) =>
  SshError.make(new SshError.InvalidTarget({ word: machine, detail, hint }))

const schemes: ReadonlyArray<readonly [prefix: string, what: string, hint: string]> = [
  ["serial:", "serial consoles", "Give a machine that has an SSH server: root@host:port."],
  [
    "vast:",
    "Vast.ai instances by number",
    'Copy the instance\'s ssh command from its page and paste it in quotes: "ssh -p 12345 root@ssh5.vast.ai".'
  ],
  ["local:", "this machine itself", "Run the command without toehold, or give a machine that has an SSH server."]
]

/** The target that the machine's name and the flags of ssh beside it stand for. */
export const readTarget = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string
): Effect.fn.Return<SshTarget.SshTarget, SshError.SshError, ClientPlatform> {
  const platform = yield* ClientPlatform
  for (const [prefix, what, hint] of schemes) {
    if (machine.startsWith(prefix)) {
      return yield* unsupported(machine, `${what} are not supported by this version`, hint)
    }
  }
  if (/^\S*,\S*$/.test(machine.trim())) {
    return yield* unsupported(
      machine,
      "several machines at once are not supported by this version",
      "Run the command once for each machine."
    )
  }
  const given = {
    identityFiles: invocation.all("identity"),
    port: invocation.one("port"),
    user: invocation.one("user"),
    proxyJump: invocation.one("jump"),
    configFile: invocation.one("config"),
    options: invocation.all("option")
  }
  return yield* Effect.fromResult(
    Result.flatMap(SshTarget.parse(machine, { platform }), (target) =>
      SshTarget.withOptions(target, given, { platform })
    )
  )
})

/** The machine's processes and files, open until the scope closes. */
export const openMachine = Effect.fnUntraced(function* (invocation: Invocation, machine: string) {
  return yield* Machine.open(machine, yield* loginOptions(invocation))
})

/** Longer than any password, shorter than anything that is given by mistake. */
const maxPasswordBytes = 4096

/** `PlatformError` for a local file, as a reason. */
export const fileFailure = (path: string, error: PlatformError.PlatformError): SshError.SshError => {
  const detail = error.reason.description ?? error.reason._tag
  switch (error.reason._tag) {
    case "NotFound":
      return SshError.make(new SshError.NotFound({ path }))
    case "PermissionDenied":
      return SshError.make(new SshError.PermissionDenied({ path, detail }))
    default:
      return SshError.make(new SshError.FileFailed({ path, detail }))
  }
}

/** A local file of at most so many bytes, whatever kind of file it is: a pipe of the shell's is one too. */
export const readBounded = Effect.fnUntraced(function* (
  path: string,
  maxBytes: number
): Effect.fn.Return<Uint8Array, SshError.SshError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const chunks = yield* Stream.runCollect(fs.stream(path, { bytesToRead: maxBytes + 1 })).pipe(
    Effect.mapError((error) => fileFailure(path, error))
  )
  const bytes = Buffer.concat(chunks)
  if (bytes.length <= maxBytes) return bytes
  return yield* SshError.make(new SshError.FileFailed({ path, detail: `it is larger than ${maxBytes} bytes` }))
})

const secretFromFile = Effect.fnUntraced(function* (path: string) {
  const text = new TextDecoder().decode(yield* readBounded(path, maxPasswordBytes))
  const line = text.split(/\r?\n/, 1)[0] ?? ""
  if (line !== "") return Redacted.make(line)
  return yield* SshError.make(new SshError.FileFailed({ path, detail: "its first line is empty" }))
})

const isPolicy = (text: string | undefined): text is Policy =>
  text === "strict" || text === "accept-new" || text === "off"

/** How to log in, from the flags. Secrets are read here, once, and stay redacted. */
export const loginOptions = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<SshLogin.Options, SshError.SshError | UsageError, ClientPlatform | FileSystem.FileSystem> {
  const passwordEnv = invocation.one("password-env")
  const passwordFile = invocation.one("password-file")
  if (passwordEnv !== undefined && passwordFile !== undefined) {
    return yield* invocation.usage("--password-env and --password-file both give the password.")
  }
  const passphraseEnv = invocation.one("passphrase-env")
  const policy = invocation.one("host-key")
  return {
    password:
      passwordEnv !== undefined
        ? yield* secretFromEnvironment("password-env", passwordEnv)
        : passwordFile !== undefined
          ? yield* secretFromFile(passwordFile)
          : undefined,
    passphrase: passphraseEnv === undefined ? undefined : yield* secretFromEnvironment("passphrase-env", passphraseEnv),
    hostKeyPolicy: isPolicy(policy) ? policy : undefined,
    knownHostsFile: invocation.one("known-hosts"),
    connectTimeout: yield* invocation.duration("connect-timeout"),
    // One command, one session: opening more ahead would only cost.
    spareSessions: 0
  }
})
