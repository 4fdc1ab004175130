/** The page docs/transfers.md, written here by: node scripts/helpTopics.ts */
export const text = `# Transferring files

What \`toehold put\`, \`get\` and \`sync\` promise, over SSH with or without SFTP, and between any two ends that
\`@toehold/transfer\` is given.

\`\`\`sh
toehold put model.bin web:/srv/models/                # a file into a folder
toehold get web:results/ results                      # what is in a folder
toehold sync ./ web:app/ --exclude .git --delete      # a folder there as it is here
toehold put x 'ssh -p 12345 root@ssh5.vast.ai:/root/' # to a pasted command line, the path behind it
\`\`\`

## Paths

\`MACHINE:PATH\` is read as scp reads it: everything is on this machine where no colon stands before the first slash
(\`./a:b\` is a local file; on Windows so is \`C:\\x\`). MACHINE is any name of a machine, and a port may stand in between:
\`root@host:2222:/srv\`, \`[::1]:2222:/srv\`, \`ssh://host:22/srv\`. A path without a leading slash starts in the login folder, as
does \`~/x\`; \`local:/x\` is this machine. \`put\` takes all but its last word as local files, whatever they are called.

Where the target is a folder or ends with \`/\`, what is sent goes into it; else the target is the path of the copy. A \`/\` after
a source folder stands for what is in it. \`sync\` goes by rsync's rule: \`DIR/\` makes the target as the folder is, \`DIR\` makes
\`TARGET/DIR\` so. Folders above the target are made with \`--parents\` only.

## Whole or not at all

- **A file** goes to a hidden name beside its target (\`.toehold-…\`) and gets its own name by one rename, with its mode
  and time set. Nobody ever sees a half of it. A symbolic link at that name is replaced, not written through.
- **A folder that doesn't exist yet** appears with all that is in it, in one step.
- **Into a folder that exists** the files go one by one, each whole. What is there and not in the source stays, unless
  \`sync --delete\` is to remove it, which happens last.
- **Files of 1 MiB and more are flushed to the disk** before they get their name. Smaller ones of a tree are not, one by one:
  after a power cut of the machine look again.

## Cut off

After a lost connection the transfer waits and goes on by itself for about 40 seconds, and begins to count anew whenever
something arrived. A run that ended (interrupted, killed with \`kill -9\`, out of patience) is taken up by the same command
line: files of 1 MiB and more in their middle, a tree with the files that are there. What is taken up is compared by
SHA-256 first, and again when it is whole. What a killed run left is taken when nothing has happened to it for five seconds,
so two runs at once never write to the same file; whoever finishes last wins.

When the disk is full the part of the file that had arrived is removed, so that it isn't kept full by it.

## What is the same

\`put\` and \`get\` skip a file that is there byte for byte: size and time are the same, and so is the SHA-256. \`sync\` goes by
size and time alone, to the second, as rsync does; with \`--checksum\` by size and SHA-256.

\`--verify\` compares the SHA-256 of every file on both sides before it gets its name. Without it that is done for what was
taken up; for the rest SSH's own integrity check and the length stand. The sum of a single file is then in the document.

A file that changes while it is read is never sent torn: the transfer fails with \`SourceChanged\`.

## What is kept

Modes (a file's setuid and setgid bits are dropped, as its owner is), times to the second, symbolic links as links, further
names of one file, empty files and folders, any name that is UTF-8. Owners are not kept. Devices, pipes and sockets in a
tree are left out and named in \`leftOut\`. The files of \`/proc\` and \`/sys\` arrive with what is in them, whatever their size says.

On Windows a name that can't exist there (\`a:b\`, \`NUL\`, \`x.\`, or two that differ by case alone) is \`UnsafeName\` before
anything is sent: nothing is renamed by itself. Files from Windows get the mode 644, or 444 where they are read-only.

## Machines that mean harm

Whatever a machine says that its tree holds, nothing is written outside of the target. Names with \`..\` or slashes in them and
files that are said to be below a link are \`UnsafeName\`. Of an archive only what the listing announced is taken, by name,
kind and size. Links are made last, and nothing is ever written through a link below the target: a folder that is a link
there is \`NotADirectory\` (\`sync\` puts a folder in its place). Links keep what they point to, also where that is outside;
\`--safe-links\` leaves such links out.

## Speed

One file goes with as many requests under way as the distance asks for. The small files of a tree go as one stream where both
ends have \`tar\` (GNU tar or BusyBox), a machine lists and sums its files with its own programs, and large files go beside
that. Without a shell on the machine everything goes by SFTP alone, file by file.
`
