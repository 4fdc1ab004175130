import * as Fs from "node:fs"

/** A request and the answer to it, in the service's own shapes. */
export interface Fixture {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly query?: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly response: { readonly status: number; readonly content_type: string; readonly body: unknown }
}

const folder = new URL("../fixtures/", import.meta.url)

export const names: ReadonlyArray<string> = Fs.readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()

export const fixture = (name: string): Fixture => {
  const file = names.find((file) => file.startsWith(`${name}_`))
  if (file === undefined) throw new Error(`there is no fixture ${name}`)
  return JSON.parse(Fs.readFileSync(new URL(file, folder), "utf8"))
}

/** A file name's part before the first underscore. */
export const idOf = (file: string): string => file.split("_", 1).join("")
