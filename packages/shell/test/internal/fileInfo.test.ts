import { assert, describe, it } from "@effect/vitest"
import { ByteSize, type FileSystem, Option, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as FileInfo from "../../src/internal/fileInfo.ts"

const run = (program: string, ...args: ReadonlyArray<string>): string =>
  ChildProcess.execFileSync(program, args, { env: { ...process.env, LC_ALL: "C", TZ: "UTC0" }, encoding: "utf8" })

const millis = (time: Option.Option<Date>): number =>
  Option.match(time, { onNone: () => Number.NaN, onSome: (date) => date.getTime() })

const format = "%f|%s|%d|%i|%h|%u|%g|%b|%B|%o|%t|%T|%x|%y|%w"

const paths = ["/", "/dev/null", "/etc/passwd", "/proc/self", "/dev/full", import.meta.filename]

const infoOf = (path: string): FileSystem.File.Info => {
  const found = FileInfo.fromStat(run("stat", "-c", format, path))
  return found ?? assert.fail(`nothing for ${path}`)
}

describe("fromStat", () => {
  it.each(paths)("knows of %s what the system knows", (path) => {
    const info = infoOf(path)
    const real = Fs.lstatSync(path, { bigint: true })
    assert.deepStrictEqual(
      [BigInt(info.mode), ByteSize.toBigInt(info.size), info.dev, info.ino, info.nlink, info.rdev],
      [real.mode, real.size, real.dev, Option.some(real.ino), Option.some(real.nlink), Option.some(real.rdev)]
    )
    assert.deepStrictEqual(
      [info.uid, info.gid, info.blocks],
      [Option.some(Number(real.uid)), Option.some(Number(real.gid)), Option.some(real.blocks)]
    )
    assert.deepStrictEqual(Option.map(info.blksize, ByteSize.toBigInt), Option.some(real.blksize))
    assert.strictEqual(millis(info.mtime), Number(real.mtimeMs))
  })

  it("reads the numbers of BSD's stat", () => {
    const info = FileInfo.fromStat(
      "81a4|5|16777220|42|1|501|20|8|512|4096|0|0|1700000000.123456789|1699999999.5|1600000000\n"
    )
    assert.deepInclude(info, { type: "File", mode: 0o100644, dev: 16777220n })
    assert.deepStrictEqual(
      info === undefined ? [] : [millis(info.atime), millis(info.mtime), millis(info.birthtime)],
      [1_700_000_000_123, 1_699_999_999_500, 1_600_000_000_000]
    )
  })

  it.prop("makes nothing of anything else", { text: Schema.String }, ({ text }) => {
    const info = FileInfo.fromStat(text)
    if (info !== undefined) assert.match(text.trim(), /^[0-9a-f]+\|\d+\|\d+/i)
  })
})

/** The time that a line with this date says, on that day. */
const at = (today: string, date: string): string => {
  const info = FileInfo.fromLs(`${today}\n 7 -rw-r--r-- 1 0 0 5 ${date} a\nb`)
  return Option.match(info?.mtime ?? Option.none(), { onNone: () => "", onSome: (time) => time.toISOString() })
}

describe("fromLs", () => {
  it.each(paths)("knows of %s what the line says", (path) => {
    const text = `${run("date", "-u", "+%Y-%m-%d")}${run("ls", "-ldin", path)}\0${run("ls", "-ldinu", path)}`
    const info = FileInfo.fromLs(text)
    const real = infoOf(path)
    if (info === undefined) return assert.fail(text)
    assert.deepInclude(info, { type: real.type, mode: real.mode, size: real.size })
    assert.deepStrictEqual(
      [info.ino, info.nlink, info.uid, info.gid, info.rdev],
      [real.ino, real.nlink, real.uid, real.gid, real.type === "CharacterDevice" ? real.rdev : Option.none()]
    )
    // To the minute, or to the day for what is older than half a year.
    assert.isBelow(Math.abs(millis(real.mtime) - millis(info.mtime)), 86_400_001)
    assert.isBelow(Math.abs(millis(real.atime) - millis(info.atime)), 86_400_001)
  })

  it("works the year out that a recent date leaves out", () => {
    assert.strictEqual(at("2026-01-02", "Dec 31 23:59"), "2025-12-31T23:59:00.000Z")
    assert.strictEqual(at("2026-01-02", "Jan  2 00:01"), "2026-01-02T00:01:00.000Z")
    assert.strictEqual(at("2026-01-02", "Mar  1  2020"), "2020-03-01T00:00:00.000Z")
    assert.strictEqual(at("", "Mar  1 12:00"), "")
    assert.strictEqual(at("", "Mar  1  2020"), "2020-03-01T00:00:00.000Z")
  })

  it.prop("makes nothing of anything else", { text: Schema.String }, ({ text }) => {
    assert.isUndefined(FileInfo.fromLs(`2026-01-01\n!${text}`))
  })
})
