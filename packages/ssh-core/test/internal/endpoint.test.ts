import { assert, describe, it } from "@effect/vitest"
import * as Endpoint from "../../src/internal/forward/endpoint.ts"

describe("what listens", () => {
  it.each([
    [{ port: 80 }, { host: "127.0.0.1", port: 80 }, { host: "localhost", port: 80 }],
    [
      { host: "localhost", port: 80 },
      { host: "127.0.0.1", port: 80 },
      { host: "localhost", port: 80 }
    ],
    [
      { host: "*", port: 80 },
      { host: "::", port: 80 },
      { host: "", port: 80 }
    ],
    [
      { host: "", port: 80 },
      { host: "::", port: 80 },
      { host: "", port: 80 }
    ],
    [
      { host: "10.0.0.1", port: 80 },
      { host: "10.0.0.1", port: 80 },
      { host: "10.0.0.1", port: 80 }
    ],
    [{ path: "/s" }, { path: "/s" }, { path: "/s" }]
  ])("is %j", (end, here, there) => {
    assert.deepStrictEqual(Endpoint.localListen(end), here)
    assert.deepStrictEqual(Endpoint.remoteListen(end), there)
  })
})

describe("a socket here", () => {
  it.each([
    ["linux", "/run/s", "/run/s"],
    ["darwin", "C:\\s", "C:\\s"],
    ["win32", "//./pipe/docker", "\\\\.\\pipe\\docker"],
    ["win32", "\\\\?\\pipe\\a", "\\\\?\\pipe\\a"],
    ["win32", "/run/s", undefined],
    ["win32", "C:/s", undefined],
    ["win32", "//./pipe/", undefined]
  ])("is on %s for %s: %s", (os, path, expected) => assert.strictEqual(Endpoint.socketPath(path, { os }), expected))
})
