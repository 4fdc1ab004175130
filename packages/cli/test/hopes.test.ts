import { assert, describe, it } from "@effect/vitest"
import * as SshError from "@toehold/ssh-core/SshError"
import { Hopes } from "../src/internal/vast/hopes.ts"

const key = { host: "h", port: 1, keyType: "ssh-ed25519", fingerprint: "SHA256:x" }
const reasons = {
  refused: new SshError.ConnectionRefused({ host: "h", port: 1 }),
  rejected: new SshError.AuthRejected({ host: "h", port: 1, user: "root", attempts: [], serverOffers: [] }),
  changed: new SshError.HostKeyChanged({ ...key, known: [] }),
  unknown: new SshError.HostKeyUnknown({ ...key, files: [], certAuthority: false })
}

type What = keyof typeof reasons

/** What is left to say after each attempt, at seconds from the beginning on. */
const after = (...tries: ReadonlyArray<readonly [seconds: number, route: string, what: What]>) => {
  const hopes = new Hopes()
  return tries.map(([seconds, route, what]) => {
    const attempt = { route, host: "h", port: 1, command: "ssh h", error: SshError.make(reasons[what]) }
    return hopes.push(attempt, seconds * 1000)?.map(({ error, route }) => `${route} ${error.reason._tag}`)
  })
}

describe("the hope that an instance lets us in", () => {
  it("lasts as long as an address may come up", () => {
    assert.deepStrictEqual(after([0, "direct", "refused"], [1, "proxy", "refused"], [900, "direct", "refused"]), [
      undefined,
      undefined,
      undefined
    ])
    assert.deepStrictEqual(after([0, "direct", "refused"], [0, "proxy", "changed"], [3, "direct", "refused"]), [
      undefined,
      undefined,
      undefined
    ])
  })

  it("ends when none of the addresses can be trusted, and not before each had its turn", () => {
    assert.deepStrictEqual(after([0, "direct", "changed"], [0, "proxy", "unknown"]), [
      undefined,
      ["direct HostKeyChanged", "proxy HostKeyUnknown"]
    ])
    assert.deepStrictEqual(after([0, "direct", "changed"], [3, "direct", "changed"]), [
      undefined,
      ["direct HostKeyChanged"]
    ])
    assert.deepStrictEqual(after([0, "direct", "refused"], [0, "proxy", "changed"], [3, "direct", "changed"]), [
      undefined,
      undefined,
      ["proxy HostKeyChanged", "direct HostKeyChanged"]
    ])
  })

  it("ends for a key that is refused for longer than a new one takes to arrive", () => {
    assert.deepStrictEqual(after([0, "proxy", "rejected"], [179, "proxy", "rejected"], [181, "proxy", "rejected"]), [
      undefined,
      undefined,
      undefined
    ])
    assert.deepStrictEqual(after([0, "proxy", "rejected"], [181, "proxy", "rejected"], [184, "proxy", "rejected"])[2], [
      "proxy AuthRejected"
    ])
  })
})
