import { Effect, FileSystem, Option } from "effect"

/** The fields of each line of a file such as /etc/passwd; none where it can't be read. */
const readTable = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(path).pipe(Effect.orElseSucceed(() => ""))
  return text.split("\n").map((line) => line.split(":"))
})

/**
 * Whether the owner is the only member of a group. Where every user has a group of their own, files are usually made
 * with it and writable by it, and Debian's ssh accepts that.
 */
const isPrivateGroup = Effect.fnUntraced(function* (gid: number, owner: number) {
  const users = yield* readTable("/etc/passwd")
  const groups = yield* readTable("/etc/group")
  const owners = new Set(users.filter((fields) => fields[2] === `${owner}`).map((fields) => fields[0]))
  const primary = users.filter((fields) => fields[3] === `${gid}`).map((fields) => fields[0])
  const group = groups.find((fields) => fields[2] === `${gid}`)
  const listed = group?.[3]?.split(",").filter((name) => name !== "") ?? []
  const members = [...primary, ...listed]
  return group !== undefined && members.length > 0 && members.every((name) => owners.has(name))
})

/** Whether a file belongs to the user or to root, and nobody else may write to it. */
export const isOwnAlone = Effect.fnUntraced(function* (
  info: FileSystem.File.Info,
  uid: number
): Effect.fn.Return<boolean, never, FileSystem.FileSystem> {
  const owner = Option.getOrElse(info.uid, () => uid)
  if (owner !== 0 && owner !== uid) return false
  if ((info.mode & 0o002) !== 0) return false
  if ((info.mode & 0o020) === 0) return true
  return Option.isSome(info.gid) && (yield* isPrivateGroup(info.gid.value, owner))
})
