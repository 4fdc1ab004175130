import { assert, describe, it } from "@effect/vitest"
import * as PortForward from "@toehold/ssh-core/PortForward"
import { Arbitrary, Result, Schema } from "effect"

const kinds = ["local", "remote", "dynamic"] as const

describe("parse", () => {
  it.each<readonly [PortForward.Kind, string, PortForward.Endpoint, PortForward.Endpoint | undefined]>([
    ["local", "8080:localhost:80", { port: 8080 }, { host: "localhost", port: 80 }],
    ["local", "127.0.0.1:8080:[::1]:80", { host: "127.0.0.1", port: 8080 }, { host: "::1", port: 80 }],
    ["local", "*:8080:a:1", { host: "*", port: 8080 }, { host: "a", port: 1 }],
    ["local", ":8080:a:1", { host: "", port: 8080 }, { host: "a", port: 1 }],
    ["local", "8080:/run/s", { port: 8080 }, { path: "/run/s" }],
    ["local", "h:8080:/run/s", { host: "h", port: 8080 }, { path: "/run/s" }],
    ["local", "/a:/b", { path: "/a" }, { path: "/b" }],
    ["local", "/a:h:1", { path: "/a" }, { host: "h", port: 1 }],
    ["local", "/a\\:b:h:1", { path: "/a:b" }, { host: "h", port: 1 }],
    ["local", "0:a:1", { port: 0 }, { host: "a", port: 1 }],
    ["remote", "0:a:1", { port: 0 }, { host: "a", port: 1 }],
    ["dynamic", "[::1]:0", { host: "::1", port: 0 }, undefined],
    ["remote", "9090", { port: 9090 }, undefined],
    ["remote", "/a", { path: "/a" }, undefined],
    ["dynamic", "1080", { port: 1080 }, undefined],
    ["dynamic", "[::1]:1080", { host: "::1", port: 1080 }, undefined]
  ])("understands %s %s", (kind, spec, listen, connect) => {
    const forward = Result.getOrThrow(PortForward.parse(kind, spec))
    assert.deepStrictEqual(forward.listen, listen)
    assert.deepStrictEqual(forward.connect, connect)
  })

  it.each<readonly [PortForward.Kind, string]>([
    ["local", ""],
    ["local", "80"],
    ["local", "80:a"],
    ["local", "80:a:0"],
    ["local", "65536:a:1"],
    ["local", "a:1:b:2:c"],
    ["local", "[::1:80:a:1"],
    ["local", "80:a:1\\"],
    ["local", `${"/a".repeat(60)}:a:1`],
    ["dynamic", "-1"],
    ["dynamic", "80:a:1"],
    ["remote", "x"]
  ])("refuses %s %j", (kind, spec) => {
    const result = PortForward.parse(kind, spec)
    assert.isTrue(Result.isFailure(result) && result.failure.reason._tag === "InvalidTarget")
  })

  it.prop(
    "what can be read can be written and read again",
    {
      kind: Arbitrary.schema(Schema.Literals(kinds)),
      parts: Arbitrary.array(
        Arbitrary.schema(
          Schema.Literals(["1", "80", ":", ":", ":", "h", "[::1]", "/s", "\\:", "\\[", "*", "[a:/b]", "0"])
        ),
        { maxLength: 9 }
      )
    },
    ({ kind, parts }) => {
      const result = PortForward.parse(kind, parts.join(""))
      if (Result.isFailure(result)) return
      assert.deepStrictEqual(PortForward.parse(kind, PortForward.format(result.success)), result)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop("arbitrary text gives a value or an error", { text: Schema.String }, ({ text }) => {
    for (const kind of kinds) PortForward.parse(kind, text)
  })
})
