/**
 * What `ssh -v` tells of a connection, line by line, on its standard error. The words are those of OpenSSH 7.4 to 9.9; of
 * anything else the last line is kept. Every line is data: bounded, and compared as a whole.
 */
import type { Algorithms } from "../../SshAlgorithms.ts"
import type { Stage } from "../../SshConnectEvent.ts"
import * as SshError from "../../SshError.ts"

const maxLines = 200
const maxLineLength = 1000
const maxAttempts = 100
const maxBanner = 64 * 1024

interface Attempt {
  readonly method: SshError.AuthAttempt["method"]
  readonly source: string
  readonly keyType?: string
  readonly fingerprint?: string
  result: SshError.AuthAttempt["result"]
  readonly detail?: string
}

const keyNames: Readonly<Record<string, string>> = {
  ED25519: "ssh-ed25519",
  RSA: "ssh-rsa",
  ECDSA: "ecdsa-sha2-nistp256",
  "ED25519-SK": "sk-ssh-ed25519@openssh.com",
  "ECDSA-SK": "sk-ecdsa-sha2-nistp256@openssh.com"
}

/** The type of a key by the short name that ssh prints: `ED25519`, `ED25519-CERT`. */
export const keyType = (name: string): string => {
  const plain = name.replace(/-CERT$/, "")
  const type = keyNames[plain] ?? plain.toLowerCase()
  return plain === name ? type : `${type.replace(/@openssh\.com$/, "")}-cert-v01@openssh.com`
}

const isMethod = (text: string): text is SshError.AuthAttempt["method"] =>
  text === "none" || text === "publickey" || text === "password" || text === "keyboard-interactive"

export class Report {
  stage: Stage = "dns"
  #isReady = false
  identification = ""
  hostKey = { keyType: "", fingerprint: "" }
  user = ""
  port: number | undefined
  banner = ""
  /** What something has sent that did not identify itself as an SSH server. */
  stranger = ""
  /** The methods that the server still offers. */
  offers: ReadonlyArray<string> = []
  readonly #attempts: Array<Attempt> = []
  readonly #algorithms: Record<string, ReadonlyArray<string>> = {}
  /** Lines that are not there for debugging: what went wrong is among them. */
  readonly #words: Array<string> = []

  /** Takes one line. */
  push(text: string): void {
    const line = text.replace(/\r+$/, "").slice(0, maxLineLength)
    const debug = /^debug\d: /.exec(line)
    if (debug === null) this.#said(line)
    else this.#told(line.slice(debug[0].length))
  }

  /** Whether it was said, since this was last asked, that a connection is made and nothing else is to be done for it. */
  takeReady(): boolean {
    const was = this.#isReady
    this.#isReady = false
    return was
  }

  get words(): ReadonlyArray<string> {
    return this.#words
  }

  get attempts(): ReadonlyArray<SshError.AuthAttempt> {
    return this.#attempts.map((attempt) => new SshError.AuthAttempt(attempt))
  }

  /** What was chosen, each kind both ways where it can differ. */
  get algorithms(): Algorithms {
    const of = (name: string): ReadonlyArray<string> => this.#algorithms[name] ?? []
    return {
      kex: of("kex"),
      serverHostKey: of("serverHostKey"),
      cipher: of("cipher"),
      mac: of("mac"),
      compression: of("compression")
    }
  }

  #said(line: string): void {
    if (line === "" || /^OpenSSH_\S+ .*SSL/.test(line)) return
    if (!this.#saidOfLogin(line) && this.stage === "auth" && this.#attempts.length === 0) {
      this.banner = `${this.banner}${line}\n`.slice(0, maxBanner)
    }
    if (this.#words.length >= maxLines) this.#words.shift()
    this.#words.push(line)
  }

  #saidOfLogin(line: string): boolean {
    const loading =
      /^Load key "(.+)": (.+)$/.exec(line) ?? /(?:^|: )Identity file (.+) not accessible: (.+?)\.?$/.exec(line)
    if (loading !== null) {
      const [, source = "", detail = ""] = loading
      // A key that was offered by its public half, and could not be signed with.
      if (this.#attempts.at(-1)?.source === source) this.#attempts.pop()
      this.#attempt({ method: "publickey", source, result: "skipped", detail })
    }
    const signing = /^sign_and_send_pubkey: (signing failed.*|no mutual signature.*)/.exec(line)
    const last = signing === null ? undefined : this.#attempts.pop()
    if (last !== undefined) this.#attempt({ ...last, result: "skipped", detail: signing?.[1] ?? "" })
    const done = /^Authenticated to .* using "/.test(line)
    if (done) this.#accepted()
    return loading !== null || signing !== null || done
  }

  #attempt(attempt: Attempt): void {
    if (this.#attempts.length < maxAttempts) this.#attempts.push(attempt)
  }

  #accepted(result: "accepted" | "partial" = "accepted"): void {
    const last = this.#attempts.at(-1)
    if (last !== undefined && last.result === "rejected") last.result = result
  }

  #told(line: string): void {
    const begins = (text: string): boolean => line.startsWith(text)
    if (begins("Connecting to ") || begins("Executing proxy command")) this.stage = "tcp"
    else if (begins("Connection established")) this.stage = "banner"
    else if (begins("SSH2_MSG_KEXINIT sent")) this.stage = "kex"
    else if (begins("SSH2_MSG_NEWKEYS received")) this.stage = "auth"
    else if (begins("Entering interactive session")) this.#isReady = true
    else if (begins("Authentication succeeded (")) this.#accepted()
    else this.#detail(line)
  }

  #detail(line: string): void {
    const version = /^Remote protocol version \S+, remote software version (.+)$/.exec(line)
    if (version !== null) {
      this.identification = `SSH-2.0-${version[1]}`
      this.stage = "kex"
    }
    const line0 = /^(?:kex|ssh)_exchange_identification: (?:banner line \d+: )?(.*)$/.exec(line)
    if (line0 !== null && this.stranger === "") this.stranger = (line0[1] ?? "").slice(0, 120)
    const to = /^Authenticating to .+:(\d{1,5}) as '(.*)'$/.exec(line)
    if (to !== null) {
      this.port = Number(to[1])
      this.user = to[2] ?? ""
    }
    const key = /^Server host (?:key|certificate): (\S+) (SHA256:\S+)/.exec(line)
    if (key !== null) {
      this.hostKey = { keyType: key[1] ?? "", fingerprint: key[2] ?? "" }
      this.stage = "host-key"
      // Those before it were for a jump host.
      const skipped = this.#attempts.filter(({ result }) => result === "skipped")
      this.#attempts.splice(0, this.#attempts.length, ...skipped)
    }
    const kex = /^kex: (?:algorithm: (\S+)|host key algorithm: (\S+))$/.exec(line)
    if (kex?.[1] !== undefined) this.#algorithms["kex"] = [kex[1]]
    if (kex?.[2] !== undefined) this.#algorithms["serverHostKey"] = [kex[2]]
    const way = /^kex: (server->client|client->server) cipher: (\S+) MAC: (\S+) compression: (\S+)/.exec(line)
    if (way !== null) {
      for (const [name, value] of [
        ["cipher", way[2]],
        ["mac", way[3]],
        ["compression", way[4]]
      ] as const) {
        // What the server sends is told first.
        const before = way[1] === "server->client" ? [] : (this.#algorithms[name] ?? [])
        this.#algorithms[name] = [value ?? "", ...before]
      }
    }
    const offered = /^Offering public key: (.+?) (\S+) (SHA256:\S+)/.exec(line)
    if (offered !== null) {
      const [, source = "", type = "", fingerprint = ""] = offered
      this.#attempt({ method: "publickey", source, keyType: keyType(type), fingerprint, result: "rejected" })
    }
    const next = /^Next authentication method: (\S+)$/.exec(line)?.[1]
    if (next !== undefined && next !== "publickey" && isMethod(next)) {
      this.#attempt({ method: next, source: "", result: "rejected" })
    }
    const more = /^Authentications that can continue: (\S*)$/.exec(line)
    if (more !== null) this.offers = (more[1] ?? "").split(",").filter((name) => name !== "")
    if (/^Authenticated using "\S+" with partial success/.test(line)) this.#accepted("partial")
  }
}
