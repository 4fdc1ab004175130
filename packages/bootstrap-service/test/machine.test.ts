import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, PlatformError } from "effect"
import { HttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import { TestClock } from "effect/testing"
import type { MachineLook } from "../src/MachineStatus.ts"
import { MachineStatus } from "../src/MachineStatus.ts"
import * as SessionSteps from "../src/SessionSteps.ts"

const config = { sessionId: "s1", repoUrl: "https://example.org/x", vmId: "vm-1" }

const failing = (cause: unknown) =>
  ChildProcessSpawner.make(() =>
    Effect.fail(
      PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method: "spawn", description: "no", cause })
    )
  )

const stepsWith = (looks: ReadonlyArray<MachineLook | undefined>, cause?: unknown) => {
  let at = 0
  return Effect.provide(
    SessionSteps.make({ machineTimeout: "15 seconds" }),
    Layer.mergeAll(
      Layer.succeed(MachineStatus, { look: () => Effect.sync(() => looks[Math.min(at++, looks.length - 1)]) }),
      Layer.succeed(ChildProcessSpawner.ChildProcessSpawner, failing(cause)),
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make(() => Effect.never)
      )
    )
  )
}

const look = (ip: string | undefined, isRunning = true): MachineLook => ({
  isRunning,
  state: isRunning ? "running" : "starting",
  ip
})

const ran = Effect.fnUntraced(function* (looks: ReadonlyArray<MachineLook | undefined>, vmIp?: string) {
  const steps = yield* stepsWith(looks)
  const said: Array<string> = []
  const fiber = yield* Effect.forkChild(
    Effect.result(
      steps.machine({ ...config, ...(vmIp === undefined ? {} : { vmIp }) }, {}, (line) =>
        Effect.sync(() => void said.push(line))
      )
    )
  )
  yield* TestClock.adjust("20 seconds")
  const result = yield* Fiber.join(fiber)
  return { said, outcome: result._tag === "Success" ? result.success.ip : result.failure.reason._tag }
})

describe("The machine's step", () => {
  it.effect("waits for a machine and an address that come late", () =>
    Effect.gen(function* () {
      const { outcome, said } = yield* ran([
        look(undefined, false),
        look(undefined, false),
        look(undefined),
        look("10.0.100.20")
      ])
      assert.strictEqual(outcome, "10.0.100.20")
      assert.deepStrictEqual(said, [
        "Looking whether the machine vm-1 runs",
        "Waiting: The machine vm-1 does not run (starting).",
        "Waiting: The machine vm-1 has no IP address.",
        "The machine runs at 10.0.100.20"
      ])
    })
  )

  it.effect("says what is missing, and takes no address that is none", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ran([undefined])).outcome, "MachineMissing")
      assert.strictEqual((yield* ran([look("10.0.100.20", false)])).outcome, "MachineNotRunning")
      assert.strictEqual((yield* ran([look(undefined)])).outcome, "MachineHasNoIp")
      assert.strictEqual((yield* ran([look("10.0.100.20; id")])).outcome, "MachineHasNoIp")
      assert.strictEqual((yield* ran([look("10.0.100.21")], "10.0.100.20")).outcome, "10.0.100.21")
      assert.strictEqual((yield* ran([look(undefined)], "10.0.100.20")).outcome, "10.0.100.20")
    })
  )
})

const reasonFor = (cause: unknown) =>
  Effect.flatMap(stepsWith([], cause), (steps) =>
    Effect.map(Effect.flip(steps.console(config, {})), ({ reason }) => reason)
  )

describe("A console that gives no shell", () => {
  it.effect("fails fast at a login prompt", () =>
    Effect.gen(function* () {
      const cause = { message: "login", isRetryable: false, outcome: "did-not-run", reason: { _tag: "LoginPrompt" } }
      const reason = yield* reasonFor(cause)
      assert.strictEqual(reason._tag, "LoginPrompt")
      assert.include(reason.fix, "ttyS0 autologin")
    })
  )

  it.effect("says what the transport says", () =>
    Effect.gen(function* () {
      const cause = {
        message: "the port is busy",
        isRetryable: true,
        outcome: "did-not-run",
        reason: { _tag: "PortBusy" }
      }
      assert.deepInclude(yield* reasonFor(cause), {
        _tag: "ConsoleFailed",
        cause: "PortBusy",
        detail: "the port is busy",
        isRetryable: true
      })
      assert.deepInclude(yield* reasonFor(new Error("x")), { _tag: "ConsoleFailed", detail: "no" })
    })
  )
})
