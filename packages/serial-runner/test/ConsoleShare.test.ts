import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as PtyShell from "@toehold/lab/PtyShell"
import { describeWith } from "@toehold/lab/RealPart"
import * as ConsoleShare from "../src/ConsoleShare.ts"
import * as SerialHub from "../src/SerialHub.ts"
import * as SerialTarget from "../src/SerialTarget.ts"

/** What comes until it has the words in it. */
const until = (shared: ConsoleShare.Shared, words: string) =>
  shared.output.pipe(
    Stream.scan(
      () => "",
      (text, data) => text + Buffer.from(data).toString("latin1")
    ),
    Stream.filter((text) => text.includes(words)),
    Stream.runHead
  )

describeWith(["script", "dash"], "ConsoleShare", () => {
  it.live("hands on what is printed and typed, names who types, and ends with its owner", () =>
    Effect.gen(function* () {
      const pty = yield* PtyShell.make({ shell: "dash" })
      const target = SerialTarget.Fifo({ input: pty.input, output: pty.output })
      const owner = yield* Scope.make()
      const hub = yield* SerialHub.make().pipe(Scope.provide(owner))
      const console = yield* hub.console(target).pipe(Scope.provide(owner))
      const typed = yield* Effect.forkChild(Stream.runHead(console.typed), { startImmediately: true })
      const one = yield* ConsoleShare.join(target, "one\n")
      yield* one.type(Buffer.from("echo $((6*7))-first\n"))
      yield* until(one, "42-first")
      assert.strictEqual((yield* Effect.fromOption(yield* Fiber.join(typed))).by, "one")
      // Who comes later is shown a little of what was before.
      const other = yield* ConsoleShare.join(target, "other")
      yield* until(other, "42-first")
      const turn = yield* Scope.make()
      yield* console.turn("a command").pipe(Scope.provide(turn))
      yield* other.type(Buffer.from("echo $((7*7))-later\n"))
      const seen = yield* Effect.forkChild(until(one, "49-later"))
      yield* Effect.sleep("100 millis")
      assert.isUndefined(seen.pollUnsafe())
      yield* Scope.close(turn, Exit.void)
      yield* Fiber.join(seen)
      const rest = yield* Effect.forkChild(Stream.runDrain(other.output))
      yield* Scope.close(owner, Exit.void)
      yield* Fiber.join(rest)
      const late = yield* Effect.flip(ConsoleShare.join(target, "late"))
      assert.strictEqual(late.reason._tag, "PortBusy")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("is not to be had where the owner does not share", () =>
    Effect.gen(function* () {
      const pty = yield* PtyShell.make({ shell: "dash" })
      const target = SerialTarget.Fifo({ input: pty.input, output: pty.output })
      const hub = yield* SerialHub.make({ isShared: false })
      yield* hub.console(target)
      const refused = yield* Effect.flip(ConsoleShare.join(target, "nobody"))
      assert.strictEqual(refused.reason._tag, "PortBusy")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
