import { Result } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import type { Cursor } from "./storeBackend.ts"

const pattern = /^(\d{1,15})\.(.{1,200})$/s

/** Where a page ended, as a word for URLs. */
export const encodeCursor = ({ createdAt, id }: Cursor): string =>
  Buffer.from(`${createdAt}.${id}`, "utf8").toString("base64url")

export const decodeCursor = (word: string): Result.Result<Cursor, BootstrapError.BootstrapError> => {
  const [, createdAt, id] = pattern.exec(Buffer.from(word.slice(0, 1000), "base64url").toString("utf8")) ?? []
  return createdAt === undefined || id === undefined
    ? Result.fail(
        BootstrapError.make(
          new BootstrapError.InvalidConfig({ field: "after", detail: "it is no cursor of an earlier page" })
        )
      )
    : Result.succeed({ createdAt: Number(createdAt), id })
}
