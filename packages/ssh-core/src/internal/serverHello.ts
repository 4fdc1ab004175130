/**
 * Reads what a server says before encryption begins: its identification line and its KEXINIT (RFC 4253, sections 4.2
 * and 7.1). The driver keeps neither when it gives up, and both are what a person needs to see then.
 */

export interface AlgorithmLists {
  readonly kex: ReadonlyArray<string>
  readonly serverHostKey: ReadonlyArray<string>
  readonly cipher: ReadonlyArray<string>
  readonly mac: ReadonlyArray<string>
  readonly compression: ReadonlyArray<string>
}

/** Lines before the identification and the identification itself; RFC 4253 allows 255 bytes for the latter. */
const maxPreamble = 64 * 1024
const maxIdentification = 255
const maxPacket = 256 * 1024
const msgKexInit = 20

export class ServerHello {
  #buffer: Buffer = Buffer.alloc(0)
  #identification: string | undefined
  #lists: AlgorithmLists | undefined
  #done = false

  /** `SSH-2.0-OpenSSH_9.2p1 Debian-2` and the like, once it came. */
  get identification(): string | undefined {
    return this.#identification
  }

  get lists(): AlgorithmLists | undefined {
    return this.#lists
  }

  /** Nothing more is to be learnt: found all, or what came is no SSH. */
  get done(): boolean {
    return this.#done
  }

  /** What came first, for a message: printable, 120 characters at most. */
  get received(): string {
    return JSON.stringify(this.#buffer.toString("latin1", 0, 120))
      .slice(1, -1)
      .slice(0, 120)
  }

  /** The same of something that is no SSH server as far as can be seen; empty for an identification that broke off. */
  get stranger(): string {
    if (this.#identification !== undefined) return ""
    const line = this.#buffer.toString("latin1", this.#buffer.lastIndexOf(10) + 1)
    const isBegun = line !== "" && line.length <= maxIdentification && "SSH-".startsWith(line.slice(0, 4))
    return isBegun ? "" : this.received
  }

  push(chunk: Uint8Array): void {
    if (this.#done) return
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    if (this.#identification === undefined) this.#readIdentification()
    if (this.#identification !== undefined) this.#readKexInit()
  }

  #readIdentification(): void {
    let start = 0
    for (;;) {
      const end = this.#buffer.indexOf(10, start)
      if (end === -1) break
      const line = this.#buffer.toString("latin1", start, end).replace(/\r$/, "")
      start = end + 1
      if (line.startsWith("SSH-")) {
        this.#identification = line.slice(0, maxIdentification)
        this.#buffer = this.#buffer.subarray(start)
        return
      }
    }
    if (this.#buffer.length > maxPreamble) this.#done = true
  }

  #readKexInit(): void {
    if (this.#buffer.length < 6) return
    const length = this.#buffer.readUInt32BE(0)
    if (length > maxPacket || this.#buffer[5] !== msgKexInit) {
      this.#done = true
      return
    }
    if (this.#buffer.length < 4 + length) return
    this.#done = true
    const padding = this.#buffer[4] ?? 0
    const lists = nameLists(this.#buffer.subarray(6 + 16, 4 + length - padding))
    const [kex, serverHostKey, cipher, , mac, , compression] = lists
    if (kex && serverHostKey && cipher && mac && compression) {
      this.#lists = { kex, serverHostKey, cipher, mac, compression }
    }
    this.#buffer = Buffer.alloc(0)
  }
}

const nameLists = (payload: Buffer): ReadonlyArray<ReadonlyArray<string>> => {
  const lists: Array<ReadonlyArray<string>> = []
  let offset = 0
  while (lists.length < 8 && offset + 4 <= payload.length) {
    const length = payload.readUInt32BE(offset)
    if (offset + 4 + length > payload.length) break
    const text = payload.toString("latin1", offset + 4, offset + 4 + length)
    lists.push(text === "" ? [] : text.split(","))
    offset += 4 + length
  }
  return lists
}
