/** Paths at an end: always with `/` between names, which Windows takes as well. */
import { Effect } from "effect"
import type { Endpoint } from "../Endpoint.ts"
import * as TransferError from "../TransferError.ts"
import { ofPlatform, where } from "./failure.ts"

export const join = (folder: string, name: string): string =>
  name === "" ? folder : folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`

/** Of an absolute path without a trailing slash; the root is its own parent. */
export const parent = (path: string): string => {
  const slash = path.lastIndexOf("/")
  return slash <= 0 ? "/" : /^[A-Za-z]:\/[^/]*$/.test(path) ? path.slice(0, slash + 1) : path.slice(0, slash)
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** The folder part of a relative path: empty at the top. */
export const relativeParent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

const withSlashes = (endpoint: Endpoint, path: string): string =>
  endpoint.isWindows === true ? path.replaceAll("\\", "/") : path

/** Whether a path stands for what is in the folder, or says that it must be one. */
export const endsAsFolder = (endpoint: Endpoint, path: string): boolean => {
  const text = withSlashes(endpoint, path)
  return text === "" || text.endsWith("/") || /(?:^|\/)\.{1,2}$/.test(text)
}

const isAbsolute = (endpoint: Endpoint, path: string): boolean =>
  path.startsWith("/") || (endpoint.isWindows === true && /^[A-Za-z]:\//.test(path))

/** `.` and `..` away, as the words stand: what links make of `..` is the file system's matter, so a `..` stays after a name. */
const tidy = (path: string): string => {
  const root = /^(?:[A-Za-z]:)?\/*/.exec(path)?.[0] ?? ""
  const names = path
    .slice(root.length)
    .split("/")
    .filter((name) => name !== "" && name !== ".")
  return names.length === 0 ? root.replace(/\/+$/, "/") : `${root.replace(/\/+$/, "/")}${names.join("/")}`
}

/** The path from the root on, without `.` and a trailing slash. What is relative starts in the login folder. */
export const resolve = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  end: "source" | "target",
  path: string
): Effect.fn.Return<string, TransferError.TransferError> {
  if (path.includes("\0")) {
    return yield* TransferError.make(
      new TransferError.InvalidArgument({
        argument: path.replaceAll("\0", "?"),
        detail: "a path can't hold a zero byte",
        hint: "Correct the path and call again."
      })
    )
  }
  const text = withSlashes(endpoint, path)
  if (isAbsolute(endpoint, text)) return tidy(text)
  const home = yield* endpoint.files
    .realPath(".")
    .pipe(Effect.mapError((error) => ofPlatform(error, where(end, endpoint, path))))
  return tidy(`${withSlashes(endpoint, home)}/${text}`)
})
