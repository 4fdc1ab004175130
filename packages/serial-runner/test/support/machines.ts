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
const place = "mkdir -p /usr/bin && ln -s /bin/busybox /usr/bin/env"

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

/** Hundreds of processes and thousands of files take an emulated machine many minutes: all of them are for who asks. */
const isWhole = process.env["TOEHOLD_GUEST_SUITES"] === "whole"

/** A guest is many times slower than this computer, and so is its line. */
export const guestCapabilities: ProcessSuite.Capabilities = {
  ...capabilities,
  patience: 6,
  floodBytes: 80_000,
  argumentRuns: 3,
  concurrency: 4,
  ...(isWhole ? {} : { only: ["endings", "groups and scopes", "folder and environment", "failures"] })
}

export const guestFileCapabilities: FileSuite.Capabilities = {
  bigFileBytes: 100_000,
  names: 1,
  concurrency: 4,
  ...(isWhole ? {} : { only: ["names"] })
}

/** For each test on a guest. */
export const guestLimit = 900_000
