/** A TCP port in decimal, leading zeros allowed as strtonum(3) allows them; `undefined` where it is none. */
export const parsePort = (text: string, least: 0 | 1 = 1): number | undefined => {
  if (!/^\+?0*[0-9]{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= least && port <= 65535 ? port : undefined
}
