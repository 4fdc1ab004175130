/**
 * The login shells that a person may have on a machine, by name.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem, Path } from "effect"
import { LabError } from "./LabError.ts"
import * as RealPart from "./RealPart.ts"

/**
 * A shell by name, or an absolute path. `ash` is BusyBox's.
 *
 * @since 0.1.0
 * @category models
 */
export type LoginShell = "sh" | "dash" | "bash" | "fish" | "csh" | "ash" | `/${string}`

/**
 * Every named shell with the part that brings it, for tests that go through all of them.
 *
 * @since 0.1.0
 * @category constants
 */
export const partOf = { dash: "dash", bash: "bash", fish: "fish", csh: "csh", ash: "busybox" } as const

/**
 * The program to put into an account. BusyBox is a shell only under the name `ash`: a link of that name is put into `dir`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const resolve = Effect.fnUntraced(function* (
  shell: LoginShell,
  dir: string
): Effect.fn.Return<string, LabError, FileSystem.FileSystem | Path.Path> {
  if (shell === "sh") return "/bin/sh"
  if (shell !== "dash" && shell !== "bash" && shell !== "fish" && shell !== "csh" && shell !== "ash") return shell
  const program = RealPart.find(partOf[shell])
  if (program === undefined) return yield* new LabError({ message: `The shell ${shell} is not on this machine` })
  if (shell !== "ash") return program
  const fs = yield* FileSystem.FileSystem
  const link = (yield* Path.Path).join(dir, "ash")
  yield* fs
    .symlink(program, link)
    .pipe(Effect.mapError((cause) => new LabError({ message: `Could not link ${link}`, cause })))
  return link
})
