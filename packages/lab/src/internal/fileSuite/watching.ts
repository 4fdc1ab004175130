/** Watching for changes. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, FileSystem, Queue, Stream } from "effect"
import { fails, type Group, inFolder } from "./place.ts"

/** The changes of a path, once it is certain that none is missed. */
const watch = (fs: FileSystem.FileSystem, path: string, options: FileSystem.WatchOptions = {}) =>
  Effect.gen(function* () {
    const ready = Deferred.makeUnsafe<void>()
    const onReady = () => void Deferred.doneUnsafe(ready, Effect.void)
    const events = yield* Queue.unbounded<FileSystem.WatchEvent>()
    const fiber = yield* fs.watch(path, { ...options, onReady }).pipe(
      Stream.runForEach((event) => Queue.offer(events, event)),
      Effect.forkScoped
    )
    yield* Effect.raceFirst(Deferred.await(ready), Effect.andThen(Fiber.join(fiber), Effect.never))
    const next = (tag: FileSystem.WatchEvent["_tag"], name: string) =>
      Effect.gen(function* () {
        for (;;) {
          const event = yield* Queue.take(events)
          if (event._tag === tag && event.path === name) return
        }
      }).pipe(
        Effect.timeoutOrElse({
          duration: "15 seconds",
          orElse: () => Effect.sync(() => assert.fail(`no ${tag} of ${name}`))
        })
      )
    return { next }
  })

export const watching: Group = (it, capabilities) => {
  it.effect("reports what is made, changed and removed in a folder", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/old`, "x")
        const { next } = yield* watch(fs, folder)
        yield* fs.writeFileString(`${folder}/new`, "x")
        yield* next("Create", "new")
        yield* fs.writeFileString(`${folder}/old`, "longer")
        yield* next("Update", "old")
        yield* fs.remove(`${folder}/old`)
        yield* next("Remove", "old")
        yield* fs.rename(`${folder}/new`, `${folder}/it's\n`)
        yield* next("Create", "it's\n")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("reports changes of a single file", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "x")
        const { next } = yield* watch(fs, `${folder}/a`)
        yield* fs.writeFileString(`${folder}/b`, "not watched")
        yield* fs.writeFileString(`${folder}/a`, "longer")
        yield* next("Update", "a")
        yield* fails(Stream.runDrain(fs.watch(`${folder}/none`)), "NotFound")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("reports changes below a folder", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/d`)
        yield* fs.writeFileString(`${folder}/d/old`, "x")
        const { next } = yield* watch(fs, folder, { recursive: true })
        yield* fs.writeFileString(`${folder}/d/old`, "longer")
        yield* next("Update", "d/old")
        yield* fs.writeFileString(`${folder}/d/new`, "x")
        yield* next("Create", "d/new")
      }).pipe(Effect.scoped)
    )
  )
}
