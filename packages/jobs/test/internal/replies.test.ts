import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result, Schema } from "effect"
import { encodeDescription } from "../../src/internal/jobLine.ts"
import { type Item, ReplyReader } from "../../src/internal/replies.ts"
import { JobState } from "../../src/JobStatus.ts"

const Lengths = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

const cut = (bytes: Uint8Array, lengths: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let from = 0
  for (const length of lengths) {
    chunks.push(bytes.subarray(from, from + length))
    from += length
  }
  return [...chunks, bytes.subarray(from)]
}

const readAll = (chunks: ReadonlyArray<Uint8Array>): Result.Result<ReadonlyArray<Item>, string> => {
  const reader = new ReplyReader()
  const items: Array<Item> = []
  for (const chunk of chunks) {
    const read = reader.push(chunk)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    items.push(...read.success)
  }
  return Result.succeed(items)
}

const text = (value: string): Uint8Array => Buffer.from(value, "latin1")

const fault = (value: string): string | undefined => {
  const read = readAll([text(value)])
  return Result.isFailure(read) ? read.failure : undefined
}

describe("ReplyReader", () => {
  it.prop(
    "reads the same items wherever an answer is cut",
    { data: Bytes, lengths: Lengths },
    ({ data, lengths }) => {
      const bytes = Uint8Array.from(data)
      const answer = Buffer.concat([
        text(`H\nD o 5 ${bytes.length}\n`),
        bytes,
        text("G e 0 7\nD e 7 2\n\nZ"),
        text("H\nX missing \n")
      ])
      const read = readAll(cut(answer, lengths))
      assert(Result.isSuccess(read))
      const got = read.success.flatMap((item) => (item._tag === "Data" && item.stream === "stdout" ? [item] : []))
      assert.deepStrictEqual(Buffer.concat(got.map((item) => item.data)), Buffer.from(bytes))
      let next = 5
      for (const item of got) {
        assert.strictEqual(item.offset, next)
        next += item.data.length
      }
      const others = read.success.filter((item) => !(item._tag === "Data"))
      assert.deepStrictEqual(others, [
        { _tag: "Beat" },
        { _tag: "Gap", stream: "stderr", from: 0, to: 7 },
        { _tag: "Beat" },
        { _tag: "Refusal", code: "missing", detail: "" }
      ])
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "takes any bytes for items or a fault",
    { data: Bytes, lengths: Lengths },
    ({ data, lengths }) => {
      const bytes = Uint8Array.from(data)
      for (const begin of ["", "J ", "D o ", "G e 1 ", "X "]) readAll(cut(Buffer.concat([text(begin), bytes]), lengths))
    },
    { arbitrary: { runs: 300 } }
  )

  it("refuses what no script prints", () => {
    assert.include(fault("Last login: today\n"), '"Last login: today"')
    assert.isDefined(fault("D o 1 -1\n"))
    assert.isDefined(fault("D x 1 1\n"))
    assert.isDefined(fault("D o 1 9999999999999999999\n"))
    assert.isDefined(fault("J a running - - - - - 0\n"))
    assert.isDefined(fault("J a exited x - - - - 0 0 -\n"))
    assert.isDefined(fault("Z\nmore"))
    assert.isDefined(fault("x".repeat(40_000)))
  })

  it("reads a job, whatever its description is", () => {
    const about = encodeDescription({ command: "é\n", cwd: "/a b", digest: "d" })
    const read = readAll([text(`J a killed RTMIN+2 20 timeout 10 77 3 4 ${about}\nJ b lost reboot - - - - 0 0 %%\n`)])
    assert(Result.isSuccess(read))
    assert.deepStrictEqual(read.success, [
      {
        _tag: "Job",
        job: {
          status: {
            id: "a",
            command: "é\n",
            cwd: "/a b",
            state: JobState.Killed({ signal: "SIGRTMIN+2" }),
            timedOut: true,
            pid: 77,
            startedAt: DateTime.makeUnsafe(10_000),
            endedAt: DateTime.makeUnsafe(20_000),
            stdoutBytes: 3,
            stderrBytes: 4
          },
          digest: "d"
        }
      },
      {
        _tag: "Job",
        job: {
          status: {
            id: "b",
            command: "",
            cwd: undefined,
            state: JobState.Lost({ cause: "reboot" }),
            timedOut: false,
            pid: undefined,
            startedAt: undefined,
            endedAt: undefined,
            stdoutBytes: 0,
            stderrBytes: 0
          },
          digest: undefined
        }
      }
    ])
  })
})
