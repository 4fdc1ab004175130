/** Lists as one parameter: however long they are, the text of the statement is the same, and stays prepared. */
import type { SqlClient, Statement } from "effect/sql"

/** What follows `IN` for a column of text. */
export const textsIn = (sql: SqlClient.SqlClient): ((texts: ReadonlyArray<string>) => Statement.Fragment) =>
  sql.onDialectOrElse({
    pg: () => (texts: ReadonlyArray<string>) =>
      sql`(SELECT jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb))`,
    orElse: () => (texts: ReadonlyArray<string>) => sql`(SELECT value FROM json_each(${JSON.stringify(texts)}))`
  })

/** What follows `IN` for a column of whole numbers of 64 bits, which are in text here. */
export const integersIn = (sql: SqlClient.SqlClient): ((texts: ReadonlyArray<string>) => Statement.Fragment) =>
  sql.onDialectOrElse({
    pg: () => (texts: ReadonlyArray<string>) =>
      sql`(SELECT jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb)::bigint)`,
    orElse: () => (texts: ReadonlyArray<string>) =>
      sql`(SELECT CAST(value AS INTEGER) FROM json_each(${JSON.stringify(texts)}))`
  })
