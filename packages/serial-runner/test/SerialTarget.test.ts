import { describe, expect, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"

describe("parse", () => {
  it.each([
    ["serial:fifo:/run/vm/a.in,/run/vm/a.out", SerialTarget.Fifo({ input: "/run/vm/a.in", output: "/run/vm/a.out" })],
    ["serial:/run/vm/a.in,/run/vm/a.out", SerialTarget.Fifo({ input: "/run/vm/a.in", output: "/run/vm/a.out" })],
    ["serial:bonfire:/var/lib/vms/vm-1", SerialTarget.Bonfire({ directory: "/var/lib/vms", vmId: "vm-1" })],
    ["serial:unix:/run/console.sock", SerialTarget.Unix({ path: "/run/console.sock" })],
    ["serial:tcp:router:2001", SerialTarget.Tcp({ host: "router", port: 2001 })],
    ["serial:tcp:[::1]:2001", SerialTarget.Tcp({ host: "::1", port: 2001 })],
    ["serial:tty:/dev/ttyUSB0", SerialTarget.Tty({ path: "/dev/ttyUSB0" })]
  ])("%s", (text, target) => expect(SerialTarget.parse(text)).toEqual(Result.succeed(target)))

  it.each([
    "ttyS0",
    "serial:",
    "serial:fifo:/only/one",
    "serial:fifo:a,b,c",
    "serial:bonfire:vm-1",
    "serial:bonfire:/var/lib/..",
    "serial:tcp:host",
    "serial:tcp:host:0",
    "serial:tcp:host:65536",
    "serial:tcp:::1:22",
    "serial:usb:1",
    "serial:unix:\0"
  ])("refuses %j and says how it is written", (text) => {
    const parsed = SerialTarget.parse(text)
    expect(Result.isFailure(parsed) && parsed.failure.reason._tag).toBe("InvalidTarget")
    expect(Result.isFailure(parsed) && parsed.failure.fix).toContain("serial:tcp:HOST:PORT")
  })

  it.prop("is total, and format is its inverse", [Schema.String], ([text]) => {
    const parsed = SerialTarget.parse(`serial:${text}`)
    if (Result.isFailure(parsed)) return
    expect(SerialTarget.parse(SerialTarget.format(parsed.success))).toEqual(parsed)
  })
})
