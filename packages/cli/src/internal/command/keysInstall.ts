/** `toehold keys install`: puts a public key on a machine, and sees that it opens the door. */
import { Effect, FileSystem, Result } from "effect"
import * as VastName from "@toehold/machines/VastName"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { keyFields } from "../keyFlags.ts"
import { loginOptions, readTarget, vastClient } from "../machine.ts"
import { note, print, printJson } from "../print.ts"
import { instanceKeyNames, publicKeyFile, readPublicKey } from "../publicKeyFile.ts"

/**
 * Runs with the line in `$1` and its type and base64 in `$2`, on any POSIX shell (dash and BusyBox included). A key that
 * is there already stays as it is, options and all. A last line without its end would swallow the new one.
 */
const script = `umask 077
cd || exit 1
mkdir -p .ssh || exit 1
f=.ssh/authorized_keys
if [ -f "$f" ] && grep -v '^[[:blank:]]*#' "$f" | grep -qF -e "$2"; then echo present; exit 0; fi
if [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then echo >> "$f" || exit 1; fi
printf '%s\\n' "$1" >> "$f" || exit 1
if command -v restorecon > /dev/null 2>&1; then restorecon -F .ssh "$f" > /dev/null 2>&1; fi
echo added`

export const keysInstall: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const id = VastName.idOf(machine)
    if (id !== undefined) return yield* attach(invocation, machine, id)
    const target = yield* readTarget(invocation, machine)
    const login = yield* loginOptions(invocation)
    const path = yield* publicKeyFile(invocation.arguments[1], invocation.all("identity"))
    const key = yield* readPublicKey(path)
    const status = yield* install(target, login, key)
    const fields = keyFields(key)
    const verified = yield* verify(target, login, path, fields.fingerprint)
    if (!verified) {
      yield* note(`the login with the key was not tried: its private half is neither beside ${path} nor in the agent.`)
    }
    yield* invocation.has("json")
      ? printJson({ machine, key: fields, status, verified })
      : print(
          `${fields.fingerprint} ${status === "added" ? "added" : "was there already"}${verified ? ", and it logs in" : ""}.\n`
        )
    return ExitCode.done
  })

/** An instance gets it from the service, which needs no way in. */
const attach = Effect.fnUntraced(function* (invocation: Invocation, machine: string, id: number) {
  const path = yield* publicKeyFile(invocation.arguments[1] ?? invocation.one("identity"), [], instanceKeyNames)
  // Of a private key only the public half is read.
  const key = yield* SshKey.loadPublic(path)
  const { instanceKeys } = yield* yield* vastClient
  const attached = yield* instanceKeys.attach(id, SshPublicKey.toLine(key))
  const fields = keyFields(key)
  const status = attached === "attached" ? "added" : "present"
  const text =
    status === "added"
      ? `${fields.fingerprint} added; it may take two minutes until it lets you in: toehold vast wait ${id}`
      : `${fields.fingerprint} was there already.`
  yield* invocation.has("json") ? printJson({ machine, key: fields, status, verified: false }) : print(`${text}\n`)
  return ExitCode.done
})

const install = Effect.fnUntraced(function* (
  target: SshTarget.SshTarget,
  login: SshLogin.Options,
  key: SshPublicKey.SshPublicKey
) {
  const client = yield* SshLogin.connect(target, login)
  const wire = `${key.type} ${Buffer.from(key.blob).toString("base64")}`
  const words = ["/bin/sh", "-c", script, "sh", SshPublicKey.toLine(key), wire] as const
  const result = yield* client.exec(SshCommand.argv([...words]), { timeout: "30 seconds", maxOutput: 4096 })
  const said = result.stdout.text.trim()
  if (said === "added" || said === "present") return said
  return yield* SshError.make(
    new SshError.PermissionDenied({
      path: "~/.ssh/authorized_keys",
      detail:
        result.stderr.text.trim() || `the machine's shell ended with ${result.exitCode ?? result.signal ?? "nothing"}`
    })
  )
}, Effect.scoped)

/** Logs in with this key alone. `false` where its private half is not at hand. */
const verify = Effect.fnUntraced(function* (
  target: SshTarget.SshTarget,
  login: SshLogin.Options,
  path: string,
  fingerprint: string
) {
  const fs = yield* FileSystem.FileSystem
  const platform = yield* ClientPlatform
  const beside = path.replace(/\.pub$/, "")
  const isBeside = beside !== path && (yield* Effect.orElseSucceed(fs.exists(beside), () => false))
  // Without the file, the agent may have the key among its others.
  const options = ["PreferredAuthentications=publickey", ...(isBeside ? ["IdentitiesOnly=yes"] : [])]
  const { identityFiles: _, ...rest } = target
  const alone = yield* Effect.fromResult(
    SshTarget.withOptions(
      new SshTarget.SshTarget({ ...rest, identityFiles: [] }),
      { identityFiles: isBeside ? [beside] : [], options },
      { platform }
    )
  )
  const tried = yield* Effect.result(
    Effect.scoped(SshLogin.connect(alone, { ...login, password: undefined, spareSessions: 0 }))
  )
  const attempts = Result.isSuccess(tried)
    ? tried.success.connection.authAttempts
    : tried.failure.reason._tag === "AuthRejected"
      ? tried.failure.reason.attempts
      : []
  const isOurs = attempts.some((attempt) => attempt.fingerprint === fingerprint && attempt.result !== "skipped")
  if (Result.isSuccess(tried)) return isOurs
  // The key that was just installed is refused, or something else is wrong with the machine.
  if (isOurs || isBeside || tried.failure.reason._tag !== "AuthRejected") return yield* tried.failure
  return false
})
