import { ByteSize, DateTime, type FileSystem, Option } from "effect"
import type { Attributes } from "../../Sftp.ts"
import { kindOf } from "../sftp/attributes.ts"

const dateOf = (seconds: number | undefined): Option.Option<Date> =>
  seconds === undefined ? Option.none() : Option.some(DateTime.toDate(DateTime.makeUnsafe(seconds * 1000)))

/** The protocol knows neither inodes nor devices. */
export const infoOf = (attributes: Attributes): FileSystem.File.Info => ({
  type: kindOf(attributes),
  mtime: dateOf(attributes.mtime),
  atime: dateOf(attributes.atime),
  birthtime: Option.none(),
  dev: 0n,
  ino: Option.none(),
  mode: attributes.mode ?? 0,
  nlink: Option.none(),
  uid: Option.fromUndefinedOr(attributes.uid),
  gid: Option.fromUndefinedOr(attributes.gid),
  rdev: Option.none(),
  size: ByteSize.bytes(attributes.size ?? 0n),
  blksize: Option.none(),
  blocks: Option.none()
})
