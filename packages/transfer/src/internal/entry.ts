/** What stands in a tree, and which names may. */

/** One thing of a tree. `path` is relative to the tree, with `/` between names. */
export interface Entry {
  readonly path: string
  readonly type: "file" | "directory" | "link" | "other"
  /** Bytes; 0 for all but files. */
  readonly size: number
  /** Permission bits with those for setuid, setgid and sticky. */
  readonly mode: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** Of a link: what it points to. */
  readonly target?: string
  /** Of a file with more than one name: the same for all of them. */
  readonly inode?: string
}

/** What a tree holds, by path, parents before what is in them. */
export type Tree = ReadonlyMap<string, Entry>

/** Names of this package's own: partial files and trees, never transferred and never deleted as foreign. */
export const ownPrefix = ".toehold-"

export const isOwn = (path: string): boolean => path.startsWith(ownPrefix) || path.includes(`/${ownPrefix}`)

/** The same second is the same time: SFTP and tar tell no more. */
export const sameTime = (one: Entry, other: Entry): boolean => Math.floor(one.mtime) === Math.floor(other.mtime)

export const sameFile = (one: Entry, other: Entry): boolean =>
  one.type === "file" && other.type === "file" && one.size === other.size && sameTime(one, other)

/**
 * The bits that are kept: as the owner is not, a file's setuid and setgid would give away whose rights they are. A folder
 * keeps its setgid and sticky bits, which protect what is in it.
 */
export const keptMode = (entry: Pick<Entry, "type" | "mode">): number =>
  entry.mode & (entry.type === "directory" ? 0o3777 : 0o777)

const deviceNames = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$| )/i

/** Why a name from a listing can't be used, `undefined` where it can. */
export const nameFault = (name: string, target: { readonly isWindows: boolean }): string | undefined => {
  if (name === "" || name === "." || name === "..") return "it would lead out of its folder"
  if (name.includes("/") || name.includes("\0")) return "a name can't hold a slash or a zero byte"
  if (name.includes("\uFFFD")) return "it is not UTF-8"
  if (!target.isWindows) return undefined
  // A backslash would lead elsewhere, a colon opens a drive or a stream of another file.
  if (/[\u0000-\u001f<>:"|?*\\]/.test(name)) return 'Windows allows no < > : " | ? * \\ and no control characters'
  if (/[. ]$/.test(name)) return "Windows drops a dot or a space at the end"
  if (deviceNames.test(name)) return "Windows takes it for a device"
  return undefined
}

/** Whether a link leads out of the tree that it stands in, as the words of its target say. */
export const leadsOut = (entry: Entry): boolean => {
  const target = entry.target ?? ""
  if (/^(?:[\\/]|[A-Za-z]:)/.test(target)) return true
  let depth = entry.path.split("/").length - 1
  for (const name of target.split(/[\\/]/)) {
    if (name === "" || name === ".") continue
    depth += name === ".." ? -1 : 1
    if (depth < 0) return true
  }
  return false
}
