import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { describe } from "vitest"
import { SessionSteps } from "../src/SessionSteps.ts"
import { layerLocal, Place } from "./support/place.ts"

/** The program of npm's `opencode-ai`, which is too large to be brought along: `npm install opencode-ai`. */
const program = process.env["TOEHOLD_OPENCODE"]

describe.runIf(program !== undefined)("The real OpenCode (TOEHOLD_OPENCODE)", () => {
  it.layer(layerLocal(), { excludeTestServices: true })((it) => {
    it.effect(
      "is brought to answer with and without a password, and ended",
      () =>
        Effect.gen(function* () {
          const steps = yield* SessionSteps
          const place = yield* Place
          yield* place.sh(
            'printf \'#!/bin/sh\\nexec "%s" "$@"\\n\' "$2" >"$1/bin/opencode"',
            place.folder,
            program ?? ""
          )
          yield* place.sh(
            'git init -q "$1" && git -C "$1" -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m one',
            `${place.folder}/repo`
          )
          for (const password of [undefined, "open $sesame"]) {
            const config = {
              sessionId: password === undefined ? "open" : "locked",
              vmId: "vm-1",
              repoUrl: `file://${place.folder}/repo`,
              workspaceBasePath: `${place.folder}/workspaces`,
              opencodePort: yield* place.freePort,
              healthPollIntervalMs: 200,
              healthPollTimeoutMs: 90_000,
              ...(password === undefined ? {} : { openCodePassword: Redacted.make(password) })
            }
            const machine = yield* steps.machine({ ...config, vmIp: place.ip }, {})
            const console = yield* steps.console(config, {})
            yield* Effect.addFinalizer(() => Effect.ignore(steps.stop(config, { console })))
            const workspace = yield* steps.workspace(config, { console })
            yield* steps.repository(config, { console, workspace })
            const openCode = yield* steps.openCode(config, { console, workspace })
            const healthy = yield* steps.health(config, { machine, console, openCode })
            assert.match(healthy.version ?? "", /^\d+\.\d+\.\d+/)
            const answer = yield* Effect.promise(() => fetch(`http://127.0.0.1:${config.opencodePort}/global/health`))
            assert.strictEqual(answer.status, password === undefined ? 200 : 401)
            yield* steps.stop(config, { console })
            const refused = Effect.promise(() =>
              fetch(`http://127.0.0.1:${config.opencodePort}/global/health`).then(
                () => false,
                () => true
              )
            )
            assert.isTrue(yield* refused)
          }
        }).pipe(Effect.scoped),
      240_000
    )
  })
})
