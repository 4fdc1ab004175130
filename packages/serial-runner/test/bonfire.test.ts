import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { ChildProcess } from "effect/process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as PtyShell from "@toehold/lab/PtyShell"
import { describeWith } from "@toehold/lab/RealPart"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import { expect } from "vitest"
import { openConsole } from "../src/internal/bonfireConsole.ts"

const failureOf = (vmId: string, pipeDir: string) =>
  Effect.promise(() => openConsole({ vmId, pipeDir }).catch((error: unknown) => error))

describeWith(["script", "dash"], "openConsole", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("opens the console that is behind a machine's pair of FIFOs, and closes it again", () =>
      Effect.gen(function* () {
        const pty = yield* PtyShell.make({ shell: "dash" })
        const pipeDir = Path.dirname(pty.input)
        // Named from the other side: .stdin carries what the machine prints.
        Fs.symlinkSync(pty.output, Path.join(pipeDir, "vm-1.stdin"))
        Fs.symlinkSync(pty.input, Path.join(pipeDir, "vm-1.stdout"))
        for (const round of ["one", "two"]) {
          const handle = yield* Effect.promise(() => openConsole({ vmId: "vm-1", pipeDir }))
          const processes = Option.getOrThrow(MachineHandle.processes(handle))
          expect(yield* processes.string(ChildProcess.make("echo", [round]))).toBe(`${round}\n`)
          expect(yield* failureOf("vm-1", pipeDir)).toMatchObject({ reason: { _tag: "PortBusy" } })
          yield* Effect.promise(() => handle.close())
        }
      })
    )

    it.effect("rejects where there is no machine, and for a name that leads elsewhere", () =>
      Effect.gen(function* () {
        expect(yield* failureOf("vm-1", "/nonexistent")).toMatchObject({ reason: { _tag: "PortMissing" } })
        expect(yield* failureOf("..", "/nonexistent")).toMatchObject({ reason: { _tag: "InvalidTarget" } })
      })
    )
  })
})
