/** Machines with both services over a console. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, type FileSystem, Layer, type PlatformError } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type * as FileSuite from "@toehold/lab/FileSuite"
import type * as Guest from "@toehold/lab/Guest"
import type { LabError } from "@toehold/lab/LabError"
import type * as ProcessSuite from "@toehold/lab/ProcessSuite"
import type * as PtyShell from "@toehold/lab/PtyShell"
import type { SerialError } from "@toehold/serial-runner/SerialError"
import * as SerialFiles from "@toehold/serial-runner/SerialFiles"
import { SerialShell } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./consoles.ts"

type Machine = Layer.Layer<
  FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner,
  LabError | PlatformError.PlatformError | SerialError
>

export const pty = (options: PtyShell.Options): Machine =>
  SerialFiles.layer().pipe(
    Layer.provide(
      Layer.effect(
        SerialShell,
        Effect.map(Consoles.pty(options), ({ shell }) => shell)
      )
    ),
    Layer.provide(NodeServices.layer)
  )

/** BusyBox has its programs in other places than the suites look for them. */
const place = 'mkdir -p /usr/bin; [ -e /usr/bin/env ] || ln -s "$(command -v env)" /usr/bin/env'

export const guest = (options: Guest.Options): Machine =>
  SerialFiles.layer().pipe(
    Layer.provide(
      Layer.effect(
        SerialShell,
        Effect.gen(function* () {
          const { shell } = yield* Consoles.guest(options)
          if (options.system === "busybox") yield* shell.run(place)
          return shell
        })
      )
    ),
    Layer.provide(NodeServices.layer)
  )

/** What no process on another machine can do, and how much a line without a machine is asked to carry. */
export const capabilities: ProcessSuite.Capabilities = {
  duplex: false,
  inherit: false,
  oddVariableNames: false,
  floodBytes: 512 * 1024,
  argumentRuns: 10,
  concurrency: 8
}

/** Every operation on a file is a process or more. */
export const fileCapabilities: FileSuite.Capabilities = { bigFileBytes: 1024 * 1024, names: 4, concurrency: 6 }
