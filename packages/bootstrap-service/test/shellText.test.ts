import { assert, it } from "@effect/vitest"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Redacted } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { describeWith } from "@toehold/lab/RealPart"
import * as MachineStatus from "../src/MachineStatus.ts"
import type { SessionConfig } from "../src/SessionConfig.ts"
import * as SessionSteps from "../src/SessionSteps.ts"
import { layerLocal, Place } from "./support/place.ts"

describeWith(["busybox", "git"], "What a session is made from", () => {
  it.layer(layerLocal(), { excludeTestServices: true })((it) => {
    it.effect("is never part of a shell's text", () =>
      Effect.gen(function* () {
        const place = yield* Place
        const own = yield* ChildProcessSpawner.ChildProcessSpawner
        const texts = new Set<string>()
        const recording = ChildProcessSpawner.make((command) => {
          if (ChildProcess.isStandardCommand(command)) {
            const words = [command.command, ...command.args].filter((word) => typeof word === "string")
            words.forEach((word, at) => {
              if (word === "-c") texts.add(words[at + 1] ?? "")
            })
          }
          return own.spawn(command)
        })
        const through = Effect.fnUntraced(function* (config: SessionConfig) {
          texts.clear()
          const steps = yield* SessionSteps.make({ network: "skip" }).pipe(
            Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, recording)
          )
          const console = yield* steps.console(config, {})
          const workspace = yield* steps.workspace(config, { console })
          yield* Effect.ignore(steps.repository(config, { console, workspace }))
          const openCode = yield* steps.openCode(config, { console, workspace })
          const machine = { ip: "127.0.0.1" }
          yield* steps.health({ ...config, healthPollIntervalMs: 50 }, { machine, console, openCode })
          yield* steps.stop(config, { console })
          return new Set(texts)
        })
        const base = { vmId: "vm-1", opencodePort: yield* place.freePort }
        const plain = yield* through({
          ...base,
          sessionId: "plain",
          repoUrl: "file:///none",
          workspaceBasePath: `${place.folder}/w1`
        })
        const odd = yield* through({
          ...base,
          opencodePort: yield* place.freePort,
          sessionId: "-_-0dd",
          repoUrl: "https://127.0.0.1:1/~a%20b/@c,d=+:e.git",
          branch: "fix/#12,%=@+x",
          workspaceBasePath: `${place.folder}/w@2+,=_-.x`,
          shallow: true,
          credentials: { username: "$(id) 'jo' \"o\"", token: Redacted.make("`id`; $(id) 'x' \"y\" \\") },
          openCodePassword: Redacted.make("`id`; $(id) 'x' \"y\" \\")
        })
        assert.isAbove(plain.size, 5)
        assert.deepStrictEqual(odd, plain)
      }).pipe(Effect.provide([MachineStatus.layerRunning(), NodeHttpClient.layerUndici]))
    )
  })
})
