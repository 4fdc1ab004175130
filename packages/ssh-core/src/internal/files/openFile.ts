/** An open file as the `FileSystem` service has it: a handle of the session with a position of its own. */
import { Effect, FileSystem, Option, type PlatformError, type Scope } from "effect"
import type { Handle } from "../../Sftp.ts"
import type * as SshError from "../../SshError.ts"
import { failed } from "../sftp/cause.ts"
import { invalid, within } from "./failure.ts"
import { infoOf } from "./info.ts"
import * as Opening from "./opening.ts"
import { range } from "./readAhead.ts"
import type { Session } from "./sessionRef.ts"
import * as WriteBehind from "./writeBehind.ts"

type Failing<A> = Effect.Effect<A, PlatformError.PlatformError>

class OpenFile implements FileSystem.File {
  readonly [FileSystem.FileTypeId] = FileSystem.FileTypeId
  readonly #session: Session
  readonly #handle: Handle
  readonly #can: ReturnType<typeof Opening.allowed>
  #position = 0n
  #isOpen = true

  constructor(session: Session, handle: Handle, flag: FileSystem.OpenFlag | undefined) {
    this.#session = session
    this.#handle = handle
    this.#can = Opening.allowed(flag)
  }

  get stat(): Failing<FileSystem.File.Info> {
    return this.#use("stat", true, () => Effect.map(this.#session.sftp.fstat(this.#handle), infoOf))
  }

  get sync(): Failing<void> {
    return this.#use("sync", true, () => this.#session.sftp.sync(this.#handle))
  }

  seek(offset: bigint, from: FileSystem.SeekMode): Failing<bigint> {
    return this.#use("seek", true, () => {
      const position = from === "start" ? offset : this.#position + offset
      if (position < 0n) return Effect.fail(invalid("The offset", "it leads before the start of the file"))
      this.#position = position
      return Effect.succeed(position)
    })
  }

  read(buffer: Uint8Array, options?: FileSystem.File.ReadOptions): Failing<number> {
    return this.#use("read", this.#can.read, () =>
      Effect.map(this.#next(buffer.length, options), (data) => {
        buffer.set(data)
        return data.length
      })
    )
  }

  readAlloc(size: number, options?: FileSystem.File.ReadOptions): Failing<Option.Option<Uint8Array>> {
    return this.#use("readAlloc", this.#can.read, () =>
      Number.isInteger(size) && size >= 0
        ? Effect.map(this.#next(size, options), (data) => (data.length === 0 ? Option.none() : Option.some(data)))
        : Effect.fail(invalid("The size", "it must be a whole number that is not negative"))
    )
  }

  truncate(length = 0): Failing<void> {
    return this.#use("truncate", this.#can.write, () =>
      Effect.map(this.#session.sftp.fsetstat(this.#handle, { size: BigInt(length) }), () => {
        if (this.#can.append !== true && this.#position > BigInt(length)) this.#position = BigInt(length)
      })
    )
  }

  write(buffer: Uint8Array): Failing<number> {
    return Effect.as(this.#write("write", buffer), buffer.length)
  }

  writeAll(buffer: Uint8Array): Failing<void> {
    return this.#write("writeAll", buffer)
  }

  /** Before the handle is closed, as the server may give it to another file. */
  retire(): void {
    this.#isOpen = false
  }

  #use<A>(method: string, can: boolean | undefined, use: () => Effect.Effect<A, SshError.SshError>): Failing<A> {
    const { path } = this.#handle
    return Effect.suspend(() => (can === true && this.#isOpen ? use() : Effect.fail(failed(path, "EBADF")))).pipe(
      within(method, path)
    )
  }

  #next(length: number, options?: FileSystem.File.ReadOptions): Effect.Effect<Uint8Array, SshError.SshError> {
    const position = options?.position ?? this.#position
    if (position < 0n) return Effect.fail(invalid("The position", "it is before the start of the file"))
    if (length === 0) return Effect.succeed(new Uint8Array(0))
    return Effect.map(range({ session: this.#session, handle: this.#handle }, position, length), (data) => {
      if (options?.position === undefined) this.#position = position + BigInt(data.length)
      return data
    })
  }

  #write(method: string, buffer: Uint8Array): Failing<void> {
    return this.#use(method, this.#can.write, () => {
      if (buffer.length === 0) return Effect.void
      const { limits } = this.#session.sftp
      const from = this.#position
      const write =
        buffer.length <= limits.writeBytes
          ? this.#session.sftp.write(this.#handle, from, buffer)
          : Effect.scoped(
              Effect.gen({ self: this }, function* () {
                const writer = yield* WriteBehind.make({
                  session: this.#session,
                  handle: this.#handle,
                  from,
                  lanes: undefined,
                  append: this.#can.append === true
                })
                yield* writer.push(buffer)
                yield* writer.finish
              })
            )
      return Effect.map(write, () => {
        if (this.#can.append !== true) this.#position = from + BigInt(buffer.length)
      })
    })
  }
}

export const open = Effect.fnUntraced(function* (
  session: Session,
  path: string,
  request: Opening.Request
): Effect.fn.Return<FileSystem.File, SshError.SshError, Scope.Scope> {
  const { sftp } = session
  const { file } = yield* Effect.acquireRelease(
    Effect.map(Opening.open(session, path, request), (handle) => ({
      handle,
      file: new OpenFile(session, handle, request.flag)
    })),
    ({ file, handle }) => {
      file.retire()
      return Effect.ignore(sftp.close(handle))
    },
    { interruptible: true }
  )
  return file
})
