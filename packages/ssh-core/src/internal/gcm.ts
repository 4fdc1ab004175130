/**
 * AES-GCM as the packets of a connection have it (RFC 5647 with OpenSSH's framing), in place of the driver's own: it makes
 * an object of the key anew for each packet, which is as much work as the encryption itself, and takes no packet that is
 * longer than what the standard asks of everybody, while sshd sends a whole banner in one.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
  type KeyObject,
  randomFillSync
} from "node:crypto"
import * as Net from "node:net"
import type * as Ssh2 from "ssh2"

/** The parts of the driver that hold the keys of a connection, and what it calls them for. */
interface Inner {
  readonly _sock?: unknown
  readonly _protocol?: { readonly _cipher?: Partial<Sending>; readonly _decipher?: Partial<Receiving> }
}

interface Sending {
  readonly _encSSLName: string
  readonly _encKey: Uint8Array
  /** Counted up for each packet. */
  readonly _encIV: Uint8Array
  readonly _dead: boolean
  readonly _onWrite: (data: Uint8Array) => void
  outSeqno: number
  allocPacket: (payloadLength: number) => Buffer
  encrypt: (packet: Buffer) => void
}

interface Receiving {
  readonly _decipherSSLName: string
  readonly _decipherKey: Uint8Array
  readonly _decipherIV: Uint8Array
  /** Answers where to go on where that is not for this decipher. */
  readonly _onPayload: (payload: Buffer) => number | false | undefined
  /** Of the length of a packet that has begun. */
  readonly _lenBytes: number
  inSeqno: number
  decrypt: (data: Buffer, start: number, end: number) => number | undefined
}

type Algorithm = "aes-128-gcm" | "aes-256-gcm"

const isAlgorithm = (name: unknown): name is Algorithm => name === "aes-128-gcm" || name === "aes-256-gcm"

const blockLength = 16
const tagLength = 16
const headLength = 4

/** The length of OpenSSH's own longest packet. */
const mostBytes = 256 * 1024

/** The last eight bytes are a counter. */
const countUp = (iv: Uint8Array): void => {
  for (let index = 11; index >= 4; index--) {
    const next = ((iv[index] ?? 0) + 1) & 0xff
    iv[index] = next
    if (next !== 0) return
  }
}

/** Random bytes for padding, many packets' worth at a time. */
const pool = Buffer.allocUnsafeSlow(8192)
let used = pool.length

const pad = (packet: Buffer, from: number): void => {
  const length = packet.length - from
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  pool.copy(packet, from, used, used + length)
  used += length
}

/** Packets with file data are put together in one place: what is sent of them is the copy that the cipher makes. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)
const worthScratch = 4096

/** What is longer than a signature is encrypted in the same call that it is put together in. */
const room = (length: number): Buffer =>
  length < worthScratch || length > scratch.length ? Buffer.allocUnsafe(length) : scratch.subarray(0, length)

/**
 * Gives the memory of what was sent back at once: left to the collector, a large transfer would leave as much garbage as it
 * has data.
 */
const disposal = (socket: Net.Socket): ((body: Buffer) => void) => {
  const underWay: Array<Buffer> = []
  let first = 0
  const sent = (): void => {
    const memory = underWay[first]?.buffer
    if (memory instanceof ArrayBuffer) memory.transfer(0)
    first += 1
    if (first < 64 || first * 2 < underWay.length) return
    underWay.splice(0, first)
    first = 0
  }
  return (body) => {
    if (!socket.writable) return
    underWay.push(body)
    socket.write(body, sent)
  }
}

/** Small ones share their memory with others. */
const isAlone = (body: Buffer): boolean => body.length >= worthScratch && body.length === body.buffer.byteLength

const canDispose = "transfer" in ArrayBuffer.prototype

const takeSending = (cipher: Sending, algorithm: Algorithm, socket: unknown): void => {
  const key: KeyObject = createSecretKey(cipher._encKey)
  const iv = cipher._encIV
  const dispose = canDispose && socket instanceof Net.Socket ? disposal(socket) : undefined
  cipher.allocPacket = (payloadLength) => {
    const least = blockLength - ((1 + payloadLength) % blockLength)
    const padding = least < 4 ? least + blockLength : least
    const packet = room(headLength + 1 + payloadLength + padding)
    packet.writeUInt32BE(packet.length - headLength, 0)
    packet[headLength] = padding
    pad(packet, headLength + 1 + payloadLength)
    return packet
  }
  cipher.encrypt = (packet) => {
    if (cipher._dead) return
    const head = Buffer.from(packet.subarray(0, headLength))
    const encryption = createCipheriv(algorithm, key, iv)
    encryption.setAAD(head)
    const body = encryption.update(packet.subarray(headLength))
    encryption.final()
    cipher._onWrite(head)
    if (dispose !== undefined && isAlone(body)) dispose(body)
    else cipher._onWrite(body)
    cipher._onWrite(encryption.getAuthTag())
    countUp(iv)
    cipher.outSeqno = (cipher.outSeqno + 1) >>> 0
  }
}

const takeReceiving = (decipher: Receiving, algorithm: Algorithm): void => {
  const key = createSecretKey(decipher._decipherKey)
  const iv = decipher._decipherIV
  const head = Buffer.alloc(headLength)
  const tag = Buffer.alloc(tagLength)
  let decryption: DecipherGCM | undefined
  let body: Buffer | undefined
  let length = 0
  let haveHead = 0
  let haveBody = 0
  let haveTag = 0

  const begin = (): void => {
    length = head.readUInt32BE(0)
    if (length > mostBytes || length < blockLength || length % blockLength !== 0) throw new Error("Bad packet length")
    const begun = createDecipheriv(algorithm, key, iv)
    begun.setAAD(head)
    decryption = begun
  }
  const take = (part: Buffer): void => {
    const plain = decryption?.update(part) ?? Buffer.alloc(0)
    if (part.length === length) body = plain
    else {
      body ??= Buffer.allocUnsafe(length)
      plain.copy(body, haveBody)
    }
    haveBody += part.length
  }
  const finish = (): Buffer => {
    decryption?.setAuthTag(tag)
    decryption?.final()
    const whole = body ?? Buffer.alloc(1)
    const end = whole.length - (whole[0] ?? 0)
    if (end < 1) throw new Error("Bad packet padding")
    decryption = undefined
    body = undefined
    haveHead = haveBody = haveTag = 0
    countUp(iv)
    decipher.inSeqno = (decipher.inSeqno + 1) >>> 0
    return whole.subarray(1, end)
  }

  decipher.decrypt = (data, start, end) => {
    let at = start
    while (at < end) {
      if (haveHead < headLength) {
        const count = Math.min(headLength - haveHead, end - at)
        data.copy(head, haveHead, at, at + count)
        haveHead += count
        at += count
        if (haveHead < headLength) return undefined
        begin()
      }
      if (haveBody < length) {
        const count = Math.min(length - haveBody, end - at)
        if (count > 0) take(data.subarray(at, at + count))
        at += count
        if (haveBody < length) return undefined
      }
      const count = Math.min(tagLength - haveTag, end - at)
      data.copy(tag, haveTag, at, at + count)
      haveTag += count
      at += count
      if (haveTag < tagLength) return undefined
      const goOn = decipher._onPayload(finish())
      if (goOn !== undefined) return goOn === false ? at : goOn
    }
    return undefined
  }
}

/** Takes over after each key exchange; it must be called before the first one is over. */
export const takeOver = (client: Ssh2.Client): void => {
  client.on("handshake", () => {
    const { _protocol: protocol, _sock: socket } = client as unknown as Inner
    const { _cipher: cipher, _decipher: decipher } = protocol ?? {}
    if (isAlgorithm(cipher?._encSSLName)) takeSending(cipher as Sending, cipher._encSSLName, socket)
    // A server may send with its new keys before we do: a packet that has begun is the driver's to end, and all after it.
    if (isAlgorithm(decipher?._decipherSSLName) && decipher._lenBytes === 0) {
      takeReceiving(decipher as Receiving, decipher._decipherSSLName)
    }
  })
}
