interface Field {
  readonly bytes: Uint8Array
  readonly next: number
}

/** One `string` of the SSH wire format (RFC 4251 section 5), or `undefined` where the bytes end early. */
const field = (blob: Uint8Array, offset: number): Field | undefined => {
  if (blob.length - offset < 4) return undefined
  const length = new DataView(blob.buffer, blob.byteOffset + offset, 4).getUint32(0)
  const start = offset + 4
  return length > blob.length - start
    ? undefined
    : { bytes: blob.subarray(start, start + length), next: start + length }
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("latin1")

type Check = (fields: ReadonlyArray<Uint8Array>) => boolean

const isEd25519 =
  (count: number): Check =>
  (fields) =>
    fields.length === count && fields[1]?.length === 32

const isEcdsa =
  (count: number, curve: string, pointBytes: number): Check =>
  (fields) =>
    fields.length === count && text(fields[1]) === curve && fields[2]?.length === pointBytes

/** RFC 4253 section 6.6, RFC 5656, RFC 8709 and OpenSSH's PROTOCOL.u2f: the fields of each type, its name included. */
const checks: ReadonlyMap<string, Check> = new Map([
  ["ssh-ed25519", isEd25519(2)],
  ["ecdsa-sha2-nistp256", isEcdsa(3, "nistp256", 65)],
  ["ecdsa-sha2-nistp384", isEcdsa(3, "nistp384", 97)],
  ["ecdsa-sha2-nistp521", isEcdsa(3, "nistp521", 133)],
  ["ssh-rsa", (fields) => fields.length === 3],
  ["ssh-dss", (fields) => fields.length === 5],
  ["sk-ssh-ed25519@openssh.com", isEd25519(3)],
  ["sk-ecdsa-sha2-nistp256@openssh.com", isEcdsa(4, "nistp256", 65)]
])

const mostFields = 5

/** Whether a name in a known_hosts line is that of a key type that can be read here. */
export const isKeyType = (name: string): boolean => checks.has(name)

/** The type of a public key in wire format, or `undefined` for bytes that are no whole key of a type known here. */
export const keyTypeOf = (blob: Uint8Array): string | undefined => {
  const fields: Array<Uint8Array> = []
  for (let offset = 0; offset < blob.length;) {
    const next = field(blob, offset)
    if (next === undefined || fields.length === mostFields) return undefined
    fields.push(next.bytes)
    offset = next.next
  }
  const type = text(fields[0])
  return checks.get(type)?.(fields) === true ? type : undefined
}
