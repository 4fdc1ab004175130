/** Rows in columns, for a person. */
import { Effect } from "effect"
import { StandardStreams } from "../StandardStreams.ts"
import { plain, print } from "./print.ts"

export interface Column<A> {
  readonly title: string
  readonly value: (row: A) => string
  readonly isNumber?: boolean
  /** Where the terminal is too narrow for all, columns go in the order of these numbers, the highest first; those without stay. */
  readonly spare?: number
}

const gap = "  "

/** What there is nothing to say about. */
export const none = "-"

const lengthOf = (text: string): number => [...text].length

const cut = (text: string, width: number): string =>
  lengthOf(text) <= width ? text : `${[...text].slice(0, Math.max(0, width - 1)).join("")}…`

const padded = (text: string, width: number, isNumber: boolean): string => {
  const blanks = " ".repeat(Math.max(0, width - lengthOf(text)))
  return isNumber ? blanks + text : text + blanks
}

/** The lines of a table that is at most so wide. */
export const tableLines = <A>(
  columns: ReadonlyArray<Column<A>>,
  rows: ReadonlyArray<A>,
  maxWidth = Number.POSITIVE_INFINITY
): ReadonlyArray<string> => {
  let shown = columns.map((column) => {
    const cells = rows.map((row) => plain(column.value(row)) || none)
    return { column, cells, width: Math.max(lengthOf(column.title), ...cells.map(lengthOf)) }
  })
  const isTooWide = (): boolean => shown.reduce((sum, { width }) => sum + width + gap.length, -gap.length) > maxWidth
  while (isTooWide()) {
    const most = Math.max(...shown.map(({ column }) => column.spare ?? 0))
    if (most === 0) break
    shown = shown.filter(({ column }) => column.spare !== most)
  }
  const line = (cellOf: (part: (typeof shown)[number]) => string): string =>
    cut(
      shown
        .map((part) => padded(cellOf(part), part.width, part.column.isNumber === true))
        .join(gap)
        .trimEnd(),
      maxWidth
    )
  return [line(({ column }) => column.title), ...rows.map((_, index) => line(({ cells }) => cells[index] ?? none))]
}

/** Prints a table that fits the terminal; `empty` where there are no rows. */
export const printTable = <A>(columns: ReadonlyArray<Column<A>>, rows: ReadonlyArray<A>, empty: string) =>
  Effect.flatMap(StandardStreams, ({ terminal }) =>
    print(rows.length === 0 ? `${empty}\n` : `${tableLines(columns, rows, terminal?.columns).join("\n")}\n`)
  )
