/**
 * dropbear (2022.83 at least) is not sure of itself while one session ends and another begins: it closes the new one
 * before it looks at the command, or loses the whole connection (it fails its own assertion when a request comes for a
 * session that it has just closed). One session at a time is what it never fails at.
 */
export const isDropbear = (identification: string): boolean => identification.startsWith("SSH-2.0-dropbear")
