import * as NodeServices from "@effect/platform-node/NodeServices"
import { expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Guest from "@toehold/lab/Guest"
import * as RealPart from "@toehold/lab/RealPart"
import { readUntil } from "../src/internal/fifo.ts"

const buildLimit = 600_000

const type = (guest: Guest.Guest["Service"], text: string) => Effect.sync(() => Fs.appendFileSync(guest.input, text))

RealPart.describeWith(RealPart.guestParts, "a guest under QEMU", () => {
  it.live.each([
    ["debian", "uid=1000(agent)"],
    ["busybox", "uid=0(root)"]
  ] as const)(
    "resumes %s at its prompt",
    ([system, identity]) =>
      Effect.gen(function* () {
        const guest = yield* Guest.make({ system })
        const seen = yield* Effect.forkChild(readUntil(guest.output, (text) => /done-\d+\r?\n/.test(text)))
        yield* type(guest, "id; echo done-$((40 + 2))\n")
        const text = yield* Fiber.join(seen)
        expect(text).toContain(identity)
        expect(text).toContain("done-42")
        expect(Fs.realpathSync(Path.join(guest.directory, `${guest.vmId}.stdin`))).toBe(guest.output)
        yield* guest.kill
        yield* guest.ended
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    buildLimit
  )

  it.live(
    "boots to its prompt",
    () =>
      Effect.gen(function* () {
        const guest = yield* Guest.make({ system: "busybox", from: "boot" })
        expect(yield* readUntil(guest.output, (text) => text.endsWith("# \u001b[6n"))).toContain("BusyBox")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    buildLimit
  )
})
