export const text = ""
