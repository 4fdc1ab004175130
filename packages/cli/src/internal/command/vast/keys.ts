/** `toehold vast keys`: the SSH keys of the account, and those of an instance. */
import { Effect, Result } from "effect"
import * as SshKeyFile from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import type { SshKey } from "@toehold/vast-api/Account"
import * as ExitCode from "../../../ExitCode.ts"
import { confirm } from "../../confirm.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { plain, print, printJson } from "../../print.ts"
import { instanceKeyNames, publicKeyFile } from "../../publicKeyFile.ts"
import { type Column, none, printTable } from "../../table.ts"
import { readId, readInstance, vast } from "../../vast/read.ts"

/** What is known of a key; one that the service keeps but that can't be read has no fingerprint. */
const keyDocument = ({ created_at, id, name, public_key }: SshKey) => {
  const parsed = SshPublicKey.parse(new TextEncoder().encode(public_key), { source: "the key" })
  const known = Result.isSuccess(parsed) ? parsed.success : undefined
  return {
    id,
    name,
    type: known?.type ?? null,
    fingerprint: known === undefined ? null : SshPublicKey.fingerprint(known.blob),
    comment: known?.comment ?? null,
    publicKey: public_key.trim(),
    createdAt: created_at
  }
}

type KeyDocument = ReturnType<typeof keyDocument>

const columns: ReadonlyArray<Column<KeyDocument>> = [
  { title: "ID", value: ({ id }) => `${id}`, isNumber: true },
  { title: "TYPE", value: ({ type }) => type ?? none, spare: 2 },
  { title: "FINGERPRINT", value: ({ fingerprint }) => fingerprint ?? none },
  { title: "NAME", value: ({ comment, name }) => name ?? comment ?? none, spare: 1 }
]

export const vastKeysList: Handler = (invocation) =>
  Effect.gen(function* () {
    const instance = invocation.arguments[0] === undefined ? undefined : yield* readInstance(invocation)
    const { instanceKeys, sshKeys } = yield* vast
    const keys = (yield* instance === undefined ? sshKeys.list : instanceKeys.list(instance)).map(keyDocument)
    yield* invocation.has("json") ? printJson({ keys }) : printTable(columns, keys, "No keys.")
    return ExitCode.done
  })

const readKey = Effect.fnUntraced(function* (invocation: Invocation, index: number) {
  // Of a private key only the public half is read.
  const key = yield* SshKeyFile.loadPublic(yield* publicKeyFile(invocation.arguments[index], [], instanceKeyNames))
  return { line: SshPublicKey.toLine(key), fingerprint: SshPublicKey.fingerprint(key.blob) }
})

export const vastKeysAdd: Handler = (invocation) =>
  Effect.gen(function* () {
    const { fingerprint, line } = yield* readKey(invocation, 0)
    const { sshKeys } = yield* vast
    // The service keeps a second copy of a key that it has.
    const before = (yield* sshKeys.list).map(keyDocument).find((key) => key.fingerprint === fingerprint)
    const id = before?.id ?? (yield* sshKeys.create(line)).id
    const status = before === undefined ? "added" : "present"
    const text = `${fingerprint} ${status === "added" ? "added to the account" : "was there already"}, as key ${id}.`
    yield* invocation.has("json")
      ? printJson({ id, fingerprint, status })
      : print(`${text}\nInstances that run already do not get it: toehold vast keys attach INSTANCE\n`)
    return ExitCode.done
  })

export const vastKeysRemove: Handler = (invocation) =>
  Effect.gen(function* () {
    const id = yield* readId(invocation, 0, "key", "toehold vast keys list")
    const { sshKeys } = yield* vast
    if (!invocation.has("yes")) {
      const key = (yield* sshKeys.list).map(keyDocument).find((key) => key.id === id)
      const what =
        key === undefined ? `key ${id}` : `key ${id} (${key.fingerprint ?? none}, ${key.name ?? key.comment ?? none})`
      const consequence = `This removes ${what} from the account: new instances will not let it in.`
      if (!(yield* confirm(invocation, consequence))) return ExitCode.failed
    }
    yield* sshKeys.remove(id)
    yield* invocation.has("json")
      ? printJson({ id, status: "removed" })
      : print(`Key ${id} is removed from the account.\n`)
    return ExitCode.done
  })

export const vastKeysAttach: Handler = (invocation) =>
  Effect.gen(function* () {
    const instance = yield* readInstance(invocation)
    const { fingerprint, line } = yield* readKey(invocation, 1)
    const { instanceKeys } = yield* vast
    const status = yield* instanceKeys.attach(instance, line)
    const text =
      status === "attached"
        ? `${fingerprint} is attached to instance ${instance}; it may take two minutes to let you in.`
        : `${fingerprint} was attached to instance ${instance} already.`
    yield* invocation.has("json") ? printJson({ instance, fingerprint, status }) : print(`${plain(text)}\n`)
    return ExitCode.done
  })

export const vastKeysDetach: Handler = (invocation) =>
  Effect.gen(function* () {
    const instance = yield* readInstance(invocation)
    const key = yield* readId(invocation, 1, "key", `toehold vast keys list ${instance}`)
    const { instanceKeys } = yield* vast
    yield* instanceKeys.detach(instance, key)
    yield* invocation.has("json")
      ? printJson({ instance, key, status: "detached" })
      : print(`Key ${key} is detached from instance ${instance}.\n`)
    return ExitCode.done
  })
