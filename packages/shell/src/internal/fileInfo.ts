/** Reads what `stat` or `ls` prints of a file. Any text in, a value or nothing out. */
import { ByteSize, type FileSystem, Option } from "effect"

const types: Readonly<Record<number, FileSystem.File.Type>> = {
  0o01: "FIFO",
  0o02: "CharacterDevice",
  0o04: "Directory",
  0o06: "BlockDevice",
  0o10: "File",
  0o12: "SymbolicLink",
  0o14: "Socket"
}

const typeOf = (mode: number): FileSystem.File.Type => types[mode >> 12] ?? "Unknown"

const integer = (text: string | undefined, radix: "dec" | "hex" = "dec"): bigint | undefined => {
  const pattern = radix === "dec" ? /^\d{1,20}$/ : /^[0-9a-f]{1,16}$/i
  return text !== undefined && pattern.test(text) ? BigInt(radix === "dec" ? text : `0x${text}`) : undefined
}

const small = (value: bigint | undefined): number | undefined =>
  value !== undefined && value <= 0xffff_ffffn ? Number(value) : undefined

/** Linux's makedev: the parts are apart in what `stat` prints. */
const device = (major: bigint, minor: bigint): bigint =>
  ((major & 0xfffn) << 8n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n) | ((major & ~0xfffn) << 32n)

/** `2024-01-02 03:04:05.678901234 +0000`, as GNU prints it with TZ=UTC0, or seconds with a fraction, as BSD does. */
const time = (text: string | undefined): Option.Option<Date> => {
  const iso = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,12})?(?: \+0000)?$/.exec(text ?? "")
  if (iso !== null) return date(Date.parse(`${iso[1]}T${iso[2]}${(iso[3] ?? ".000").slice(0, 4).padEnd(4, "0")}Z`))
  return /^-?\d{1,12}(\.\d{1,12})?$/.test(text ?? "") ? date(Math.floor(Number(text) * 1000)) : Option.none()
}

const date = (millis: number): Option.Option<Date> =>
  Number.isFinite(millis) && Math.abs(millis) <= 8.64e15 ? Option.some(new Date(millis)) : Option.none()

/** Fields with bars between them: see `reading.ts`. */
export const fromStat = (text: string): FileSystem.File.Info | undefined => {
  const fields = text.trim().slice(0, 1000).split("|")
  const [mode, size, dev, ino, nlink, uid, gid, blocks, blockSize, blksize, major, minor] = fields
  const bits = small(integer(mode, "hex"))
  const length = integer(size)
  const container = integer(dev)
  if (bits === undefined || length === undefined || container === undefined) return undefined
  const [one, two] = [integer(major, "hex"), integer(minor, "hex")]
  const [count, unit] = [integer(blocks), integer(blockSize)]
  return {
    type: typeOf(bits),
    mode: bits,
    size: ByteSize.bytes(length),
    dev: container,
    ino: Option.fromUndefinedOr(integer(ino)),
    nlink: Option.fromUndefinedOr(integer(nlink)),
    uid: Option.fromUndefinedOr(small(integer(uid))),
    gid: Option.fromUndefinedOr(small(integer(gid))),
    rdev: one === undefined || two === undefined ? Option.none() : Option.some(device(one, two)),
    blksize: Option.map(Option.fromUndefinedOr(integer(blksize)), ByteSize.bytes),
    // The unit of st_blocks is 512 bytes everywhere; the program may count in another one.
    blocks: count === undefined || unit === undefined ? Option.none() : Option.some((count * unit) / 512n),
    atime: time(fields[12]),
    mtime: time(fields[13]),
    birthtime: time(fields[14])
  }
}

const letters = "-pc?d?b?-?l?s?"
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const modeOf = (text: string): number | undefined => {
  const kind = text[0] === "-" ? 0o10 : letters.indexOf(text[0] ?? "?")
  if (kind <= 0 || text[0] === "?") return undefined
  let bits = 0
  for (let at = 0; at < 9; at++) {
    const char = text[at + 1] ?? "-"
    if (/[rwxst]/.test(char)) bits |= 0o400 >> at
    if (at % 3 === 2 && /[sStT]/.test(char)) bits |= 0o4000 >> Math.floor(at / 3)
  }
  return (kind << 12) | bits
}

const line =
  /^ *(\d{1,20}) +([-a-zA-Z]{10})\S? +(\d{1,20}) +(\d{1,10}) +(\d{1,10}) +(?:(\d{1,10}), *(\d{1,10})|(\d{1,20})) +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) +(?:(\d\d):(\d\d)|(\d{4})) /

/** When it was, in UTC; the year is left out within half a year, and has to be worked out. */
const timeOf = (found: RegExpExecArray, today: RegExpExecArray | null): Option.Option<Date> => {
  const [name = "", day, hour, minute, year] = found.slice(9)
  const written = (inYear: number): number =>
    Date.UTC(inYear, months.indexOf(name), Number(day), Number(hour ?? 0), Number(minute ?? 0))
  if (year !== undefined) return date(written(Number(year)))
  if (today === null) return Option.none()
  const thisYear = Number(today[1])
  const soon = Date.UTC(thisYear, Number(today[2]) - 1, Number(today[3]) + 2)
  return date(written(written(thisYear) <= soon ? thisYear : thisYear - 1))
}

/**
 * The date of today on the machine and what POSIX `ls -ldin` prints in UTC; after a NUL the same for the time of access.
 * Times are to the minute within half a year, to the day before that.
 */
export const fromLs = (text: string): FileSystem.File.Info | undefined => {
  const end = text.indexOf("\n")
  const today = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text.slice(0, Math.max(end, 0)).trim())
  const found = line.exec(text.slice(end + 1, end + 400))
  if (found === null) return undefined
  const second = text.indexOf("\0")
  const accessed = second === -1 ? null : line.exec(text.slice(second + 1, second + 400))
  const [, ino, permissions = "", nlink, uid, gid, major, minor, size] = found
  const mode = modeOf(permissions)
  if (mode === undefined) return undefined
  const [one, two] = [integer(major), integer(minor)]
  return {
    type: typeOf(mode),
    mode,
    size: ByteSize.bytes(integer(size) ?? 0n),
    dev: 0n,
    ino: Option.fromUndefinedOr(integer(ino)),
    nlink: Option.fromUndefinedOr(integer(nlink)),
    uid: Option.fromUndefinedOr(small(integer(uid))),
    gid: Option.fromUndefinedOr(small(integer(gid))),
    rdev: one === undefined || two === undefined ? Option.none() : Option.some(device(one, two)),
    blksize: Option.none(),
    blocks: Option.none(),
    atime: accessed === null ? Option.none() : timeOf(accessed, today),
    mtime: timeOf(found, today),
    birthtime: Option.none()
  }
}
