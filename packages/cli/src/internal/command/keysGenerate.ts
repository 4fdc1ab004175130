/** `toehold keys generate`. */
import { Effect, Redacted } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { secretFromEnvironment } from "../invocation.ts"
import { encodePrivate, keyFields } from "../keyFlags.ts"
import { mustBeFree, writeWhole } from "../localFile.ts"
import { print, printJson } from "../print.ts"

export const keysGenerate: Handler = (invocation) =>
  Effect.gen(function* () {
    const platform = yield* ClientPlatform
    const file = invocation.argument(0)
    const publicFile = `${file}.pub`
    const replace = invocation.has("force")
    const type = invocation.one("type") === "rsa" ? "rsa" : "ed25519"
    const format = invocation.one("format") === "ppk" ? "ppk" : "openssh"
    const bits = invocation.one("bits")
    if (bits !== undefined && (type !== "rsa" || !/^\d{1,6}$/.test(bits))) {
      return yield* invocation.usage(`--bits ${bits}: it takes a number, and only with --type rsa.`)
    }
    const name = invocation.one("passphrase-env")
    const passphrase = name === undefined ? undefined : yield* secretFromEnvironment("passphrase-env", name)
    if (!replace) yield* Effect.forEach([file, publicFile], mustBeFree)
    const key = yield* SshKey.generate({
      type,
      bits: bits === undefined ? undefined : Number(bits),
      comment: invocation.one("comment") ?? `${platform.userName}@${platform.hostName}`
    })
    const text = yield* encodePrivate(key, format, passphrase)
    yield* writeWhole(file, Redacted.value(text), { mode: 0o600, replace })
    yield* writeWhole(publicFile, `${SshPublicKey.toLine(key.publicKey)}\n`, { mode: 0o644, replace })
    const fields = keyFields(key.publicKey)
    yield* invocation.has("json")
      ? printJson({ file, publicFile, format, encrypted: passphrase !== undefined, ...fields })
      : print(`${file}\n${publicFile}\n${fields.fingerprint} ${fields.comment} (${fields.type})\n`)
    return ExitCode.done
  })
