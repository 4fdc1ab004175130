/** A count that a shell printed: exact, or not taken at all. */
export const readCount = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
