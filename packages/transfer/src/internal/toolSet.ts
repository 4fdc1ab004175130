/** Which programs an end has that save round trips. */

export interface Tools {
  /** `tar`, and `xargs -0` to name the files to it. */
  readonly tar: boolean
  /** It is GNU's, which gives folders that are there the mode and the time that the archive says. */
  readonly isGnuTar: boolean
  /** How a tree is listed by one program. */
  readonly list: "find-printf" | "stat-c" | "stat-f" | undefined
}

export const none: Tools = { tar: false, isGnuTar: false, list: undefined }
