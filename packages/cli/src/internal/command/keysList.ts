/** `toehold keys list`: the keys at hand, in `~/.ssh` and in the agent. */
import { Effect, FileSystem, Option, Path, Result } from "effect"
import { ClientPlatform, sshDir } from "@toehold/ssh-core/ClientPlatform"
import * as SshAgent from "@toehold/ssh-core/SshAgent"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { keyFields } from "../keyFlags.ts"
import { note, plain, print, printJson } from "../print.ts"

/** Keys are small; everything else in the folder is none of ours. */
const maxKeyBytes = 64 * 1024

const isCandidate = (name: string): boolean =>
  !name.endsWith(".pub") && !/^(known_hosts|authorized_keys|config|environment|rc)/.test(name)

interface Listed {
  readonly source: string
  readonly type: string
  readonly bits: number
  readonly fingerprint: string
  readonly comment: string
  /** `null` where it can't be known: an agent's key. */
  readonly encrypted: boolean | null
}

const inFolder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = sshDir(yield* ClientPlatform)
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  const found = yield* Effect.forEach(names.filter(isCandidate).sort(), (name) => readKey(paths.join(folder, name)))
  return found.flatMap(Option.toArray)
})

const readKey = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fs.stat(path))
  if (Option.isNone(info) || info.value.type !== "File" || info.value.size > maxKeyBytes) return Option.none<Listed>()
  const bytes = yield* Effect.option(fs.readFile(path))
  if (Option.isNone(bytes)) return Option.none<Listed>()
  const opened = yield* Effect.result(SshKey.parse(bytes.value, { source: path }))
  const encrypted = Result.isFailure(opened) && opened.failure.reason._tag === "KeyPassphraseMissing"
  if (Result.isFailure(opened) && !encrypted) return Option.none<Listed>()
  const key = Result.isSuccess(opened)
    ? Option.some(opened.success.publicKey)
    : yield* Effect.option(SshKey.loadPublic(path))
  // The comment of an encrypted key is encrypted too; the file beside it usually has it.
  const beside = yield* Effect.option(SshKey.loadPublic(`${path}.pub`))
  return Option.map(key, (key): Listed => ({
    source: path,
    ...keyFields(key),
    comment: key.comment === "" && Option.isSome(beside) ? beside.value.comment : key.comment,
    encrypted
  }))
})

const inAgent = Effect.gen(function* () {
  const platform = yield* ClientPlatform
  for (const path of SshAgent.locate(platform, { pipes: yield* SshAgent.findPipes(platform) })) {
    const keys = yield* Effect.scoped(SshAgent.keys(path))
    if (keys.length === 0) continue
    return keys.flatMap((key): ReadonlyArray<Listed> => {
      const parsed = SshPublicKey.fromBlob(key.publicBlob, { source: "agent", comment: key.comment })
      return Result.isSuccess(parsed) ? [{ source: "agent", ...keyFields(parsed.success), encrypted: null }] : []
    })
  }
  return []
})

export const keysList: Handler = (invocation) =>
  Effect.gen(function* () {
    const keys = [...(yield* inFolder), ...(yield* inAgent)]
    if (invocation.has("json")) {
      yield* printJson({ keys })
      return ExitCode.done
    }
    if (keys.length === 0)
      yield* note("there is no key in ~/.ssh and none in an agent; make one: toehold keys generate")
    for (const { bits, comment, encrypted, fingerprint, source, type } of keys) {
      const lock = encrypted === true ? " [encrypted]" : ""
      yield* print(`${plain(source)}  ${type} ${bits}  ${fingerprint}  ${plain(comment)}${lock}\n`)
    }
    return ExitCode.done
  })
