import { Effect, Schema, SchemaTransformation } from "effect"

/** A field that may be null or missing: null in either case. */
export const orNull = <S extends Schema.Top>(schema: S) =>
  Schema.NullOr(schema).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null)))

/** Text without the newline that some fields end in. */
export const Trimmed = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({ decode: (text) => text.trim(), encode: (text) => text })
  )
)

/** A port, written as a number or as a string. */
export const PortNumber = Schema.Union([
  Schema.Int,
  Schema.String.check(Schema.isPattern(/^\d{1,5}$/)).pipe(
    Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: String }))
  )
]).check(Schema.isBetween({ minimum: 1, maximum: 65535 }))

/** A list that one variant of the answer holds as JSON inside a string. */
export const listOrString = <S extends Schema.Top>(item: S) =>
  Schema.Union([Schema.Array(item), Schema.fromJsonString(Schema.Array(item))])
