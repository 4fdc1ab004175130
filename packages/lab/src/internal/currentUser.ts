import * as Os from "node:os"

/** Who runs the tests. A container may run under a uid that has no passwd entry, where `userInfo` throws. */
export const currentUser = (): { readonly username: string; readonly uid: number; readonly gid: number } => {
  try {
    return Os.userInfo()
  } catch {
    return { username: process.env["USER"] ?? "user", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  }
}
