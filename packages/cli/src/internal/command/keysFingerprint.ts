/** `toehold keys fingerprint`. */
import { Effect } from "effect"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { keyFields, mustExist } from "../keyFlags.ts"
import { plain, print, printJson } from "../print.ts"

export const keysFingerprint: Handler = (invocation) =>
  Effect.gen(function* () {
    const file = invocation.argument(0)
    yield* mustExist(file)
    const key = yield* SshKey.loadPublic(file)
    const fields = keyFields(key, invocation.one("hash") === "md5" ? "md5" : "sha256")
    const { bits, comment, fingerprint, type } = fields
    yield* invocation.has("json")
      ? printJson({ file, ...fields })
      : print(`${bits} ${fingerprint} ${plain(comment) || "no comment"} (${type})\n`)
    return ExitCode.done
  })
