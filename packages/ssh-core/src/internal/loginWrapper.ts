/**
 * What is sent as the `exec` request, so that any login shell (sh, bash, zsh, fish, csh, ash) hands over to `/bin/sh`
 * unchanged, and so that the beginning of the command's own output can be told from what the login prints.
 *
 * Between the single quotes stand no `'`, no `!`, no newline and no backslash before `\` or `'`: the four things that
 * fish and csh read in another way than sh does.
 */

/**
 * The mark that begins a command's own output, on both streams, with the process id, which is the process group's as well
 * where `toehold_g` is 1, and the path of the terminal where there is one. The shell's own variables have names that no login exports: setting one that is exported would
 * change the command's environment.
 */
const greet = (nonce: string, terminal = ""): string =>
  `echo ${nonce} $$ $toehold_g${terminal} >&2; echo ${nonce} $$ $toehold_g`

/**
 * OpenSSH makes the login shell the leader of a session; dropbear does not, and then a kill could not reach the
 * command's children: `setsid` makes up for it where the machine has it.
 */
const inOwnGroup = (body: string): string =>
  "exec /bin/sh -c '" +
  'if kill -0 -$$ 2>/dev/null; then toehold_g=1; eval "$1"; ' +
  'elif command -v setsid >/dev/null 2>&1; then exec setsid /bin/sh -c "toehold_g=1; $1" sh; ' +
  `else toehold_g=0; eval "$1"; fi' sh '${body}'`

/** bash reads its rc file for each `bash -c` under sshd while SHLVL is below 2, which would make the command's own slow. */
const settle = "SHLVL=1; export SHLVL; unset TMOUT"

/**
 * Longest exec request that is sent: dropbear ends the connection at one of more than 9000 bytes, and Linux gives one
 * argument of the login shell 128 KiB.
 */
export const maxInlineBytes = 8000

/** Every byte that some shell could read as something else than itself, as `printf %b` reads it back. */
export const encode = (script: string): string => {
  let out = ""
  for (const byte of new TextEncoder().encode(script)) {
    const char = String.fromCharCode(byte)
    out += /[A-Za-z0-9_.,:=@%+/ -]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`
  }
  return out
}

/** The exec request that runs one script at once, in a terminal. */
export const inline = (nonce: string, script: string): string =>
  inOwnGroup(`${settle}; ${greet(nonce, " $SSH_TTY")} && eval "$(printf %b "${encode(script)}")"`)

/** The exec request that waits for a script on its standard input, one line, and acknowledges it on stdout. */
export const reader = (nonce: string): string =>
  inOwnGroup(`${settle}; ${greet(nonce)} && IFS= read -r toehold_c && echo ${nonce} run && eval "$toehold_c"`)

/** What is written to a {@link reader}'s standard input. */
export const readerInput = (script: string): Uint8Array => new TextEncoder().encode(`${script}\n`)
