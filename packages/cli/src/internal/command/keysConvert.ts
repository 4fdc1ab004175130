/** `toehold keys convert`. */
import { Effect, Redacted } from "effect"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { secretFromEnvironment } from "../invocation.ts"
import { encodePrivate, keyFields, mustExist } from "../keyFlags.ts"
import { mustBeFree, writeWhole } from "../localFile.ts"
import { print, printJson } from "../print.ts"

export const keysConvert: Handler = (invocation) =>
  Effect.gen(function* () {
    const [from, to] = [invocation.argument(0), invocation.argument(1)]
    const format = invocation.one("format")
    const replace = invocation.has("force")
    if (format === undefined) {
      return yield* invocation.usage(`${invocation.name} needs --format: openssh, ppk, public or rfc4716.`)
    }
    yield* mustExist(from)
    if (!replace) yield* mustBeFree(to)
    const done = (key: SshPublicKey.SshPublicKey, encrypted: boolean) =>
      Effect.as(
        invocation.has("json") ? printJson({ file: to, format, encrypted, ...keyFields(key) }) : print(`${to}\n`),
        ExitCode.done
      )

    if (format === "public" || format === "rfc4716") {
      const key = yield* SshKey.loadPublic(from)
      const text = format === "public" ? `${SshPublicKey.toLine(key)}\n` : SshPublicKey.toRfc4716(key)
      yield* writeWhole(to, text, { mode: 0o644, replace })
      return yield* done(key, false)
    }
    const secret = (flag: string) => {
      const name = invocation.one(flag)
      return name === undefined ? Effect.undefined : secretFromEnvironment(flag, name)
    }
    const passphrase = yield* secret("passphrase-env")
    // A protected key stays protected: the passphrase that opens it is that of the new file, unless there is a new one.
    const isProtected = yield* Effect.match(SshKey.load(from), {
      onFailure: (error) => error.reason._tag === "KeyPassphraseMissing",
      onSuccess: () => false
    })
    const key = yield* SshKey.load(from, { passphrase })
    const protection = (yield* secret("new-passphrase-env")) ?? (isProtected ? passphrase : undefined)
    const text = yield* encodePrivate(key, format === "ppk" ? "ppk" : "openssh", protection)
    yield* writeWhole(to, Redacted.value(text), { mode: 0o600, replace })
    return yield* done(key.publicKey, protection !== undefined)
  })
