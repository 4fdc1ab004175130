/** Public key blobs (RFC 4253 section 6.6) of the types that OpenSSH knows. */
import { Result } from "effect"
import { type Read, unreadable, unsupported } from "./fault.ts"
import { bitsOf, isKeyType, type PublicNumbers, readPublicNumbers } from "./keyNumbers.ts"
import { WireReader } from "./sshWire.ts"

export interface PublicBlob {
  readonly type: string
  readonly bits: number
  /** Absent for types whose private half can't be used here: they have a name and a fingerprint all the same. */
  readonly numbers: PublicNumbers | undefined
}

/** Bits and number of fields after the type name. */
const opaqueTypes: Readonly<Record<string, { readonly bits: number; readonly fields: number }>> = {
  "sk-ssh-ed25519@openssh.com": { bits: 256, fields: 2 },
  "sk-ecdsa-sha2-nistp256@openssh.com": { bits: 256, fields: 3 }
}

export const isPublicType = (type: string): boolean =>
  isKeyType(type) || Object.hasOwn(opaqueTypes, type) || type === "ssh-dss" || isCertificate(type)

const isCertificate = (type: string): boolean => /^[a-z0-9-]+-cert-v0[01]@openssh\.com$/.test(type)

export const readPublicBlob = (blob: Uint8Array): Read<PublicBlob> =>
  Result.gen(function* () {
    const reader = new WireReader(blob)
    const type = yield* reader.text()
    if (isKeyType(type)) {
      const numbers = yield* readPublicNumbers(type, reader)
      yield* reader.end()
      return { type, bits: bitsOf(numbers), numbers }
    }
    if (type === "ssh-dss") {
      const prime = yield* reader.mpint()
      for (let field = 0; field < 3; field++) yield* reader.mpint()
      yield* reader.end()
      return { type, bits: prime.length * 8, numbers: undefined }
    }
    const opaque = Object.hasOwn(opaqueTypes, type) ? opaqueTypes[type] : undefined
    if (opaque === undefined) return yield* Result.fail(unsupportedType(type))
    for (let field = 0; field < opaque.fields; field++) yield* reader.string()
    yield* reader.end()
    return { type, bits: opaque.bits, numbers: undefined }
  })

/** The same for a blob whose private half comes with it. */
export const readUsableBlob = (blob: Uint8Array): Read<PublicNumbers> =>
  Result.flatMap(readPublicBlob(blob), ({ numbers, type }) =>
    numbers === undefined ? Result.fail(unsupportedType(type)) : Result.succeed(numbers)
  )

export const unsupportedType = (type: string) => {
  if (type === "ssh-dss") return unsupported("a DSA key")
  if (type.startsWith("sk-")) return unsupported(`a hardware security key (${type})`)
  if (isCertificate(type)) return unsupported(`a certificate (${type})`)
  // A type name is short and printable: anything else is noise, not a kind of key.
  return /^[!-~]{1,64}$/.test(type)
    ? unsupported(`a key of the type ${type}`)
    : unreadable("its key type is not a name")
}
