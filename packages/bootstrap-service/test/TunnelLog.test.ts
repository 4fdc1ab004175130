import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TunnelLog from "../src/TunnelLog.ts"

// As cloudflared 2025 prints it.
const opened = `2026-09-01T12:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-09-01T12:00:03Z INF +--------------------------------------------------------------------------------------------+
2026-09-01T12:00:03Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
2026-09-01T12:00:03Z INF |  https://blog-devoted-pos-angela.trycloudflare.com                                         |
2026-09-01T12:00:03Z INF +--------------------------------------------------------------------------------------------+
2026-09-01T12:00:03Z INF Starting metrics server on 127.0.0.1:20241/metrics
2026-09-01T12:00:04Z ERR Failed to dial a quic connection error="failed to dial to edge with quic: timeout" connIndex=0
`
const registered = "2026-09-01T12:00:09Z INF Registered tunnel connection connIndex=0 protocol=http2\n"
const limited = `2026-09-01T12:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-09-01T12:00:01Z ERR Error unmarshaling QuickTunnel response: error code: 1015 error="invalid character 'e' looking for beginning of value" status_code="429 Too Many Requests"
failed to unmarshal quick Tunnel: invalid character 'e' looking for beginning of value
`

describe("TunnelLog", () => {
  it("finds the URL, and knows when an edge holds the tunnel", () => {
    const early = TunnelLog.read(opened)
    assert.strictEqual(early.url, "https://blog-devoted-pos-angela.trycloudflare.com")
    assert.isFalse(early.isRegistered)
    assert.isUndefined(early.rateLimited)
    assert.isTrue(TunnelLog.read(opened + registered).isRegistered)
  })

  it("tells a refusal from a failed attempt, until a later start has a URL", () => {
    assert.include(TunnelLog.read(limited).rateLimited ?? "", "error code: 1015")
    assert.isUndefined(TunnelLog.read(limited).url)
    assert.isUndefined(TunnelLog.read(limited + opened).rateLimited)
  })

  it("takes no other address for a tunnel's", () => {
    for (const line of [
      "2026-09-01T12:00:00Z INF |  https://api.trycloudflare.com  |",
      '2026-09-01T12:00:00Z ERR failed to request https://a-b.trycloudflare.com error="x"',
      "2026-09-01T12:00:00Z INF Thank you for trying Cloudflare Tunnel. See https://developers.cloudflare.com/",
      "https://evil.example/?x=trycloudflare.com"
    ]) {
      assert.isUndefined(TunnelLog.read(line).url, line)
    }
  })

  it("reads the metrics endpoint, the portal and a file, and nothing else", () => {
    assert.strictEqual(TunnelLog.ofMetrics('{"hostname":"a-b.trycloudflare.com"}'), "https://a-b.trycloudflare.com")
    assert.isUndefined(TunnelLog.ofMetrics('{"hostname":""}'))
    assert.isUndefined(TunnelLog.ofMetrics("<html>"))
    const portal = '[{"targetUrl":"http://localhost:8188","tunnelUrl":"https://a-b.trycloudflare.com"}]'
    assert.strictEqual(TunnelLog.ofPortal(portal, 8188), "https://a-b.trycloudflare.com")
    assert.isUndefined(TunnelLog.ofPortal(portal, 818))
    assert.strictEqual(TunnelLog.ofFile("https://a-b.trycloudflare.com/\n"), "https://a-b.trycloudflare.com")
    assert.isUndefined(TunnelLog.ofFile("see https://a-b.trycloudflare.com"))
  })

  it.prop(
    "answers for any text, and never with more than a plain URL",
    {
      lines: Schema.Array(
        Schema.Union([Schema.String, Schema.Literals([...opened.split("\n"), ...limited.split("\n")])])
      )
    },
    ({ lines }) => {
      const text = lines.join("\n")
      const { url } = TunnelLog.read(text)
      if (url !== undefined) assert.match(url, /^https?:\/\/[A-Za-z0-9.:[\]/-]+$/)
      TunnelLog.ofMetrics(text)
      TunnelLog.ofPortal(text, 1)
      TunnelLog.ofFile(text)
    },
    { arbitrary: { runs: 200 } }
  )

  it("takes no time over a long line", () => {
    const began = performance.now()
    TunnelLog.read(`2026-09-01T12:00:00Z INF | ${" ".repeat(2_000_000)}x`)
    TunnelLog.read("https://".repeat(300_000))
    assert.isBelow(performance.now() - began, 2000)
  })
})
