/** What the main process says in the system's dialogs and in messages of the window. The page's own texts: renderer/texts. */

/** A question of the system's message box; the first button is the one that is meant. */
const question = (message: string, detail: string, buttons: string[]) => ({ message, detail, buttons });

export const dialogs = {
  open: 'Open a machine',
  openButton: 'Open',
  save: 'Save the lab document',
  export: 'Export',
  untitled: 'machine',
  kinds: {
    any: 'Dumps and lab documents',
    document: 'Lab document',
    documents: 'Lab documents',
    listings: 'Listings of lspci',
    archives: 'Archives of /sys',
  },
  exports: {
    snapshot: 'Machine snapshot',
    'hex-dump': 'Hex dump for lspci -F',
    sysfs: 'Archive of /sys',
    trace: 'Trace of system calls',
    'report-md': 'Report in Markdown',
    'report-html': 'Report in HTML',
  },
  saveChanges: (title: string) =>
    question(`Save the changes to ${title}?`, 'What was done since it was last saved is lost otherwise.', [
      'Save',
      "Don't save",
      'Cancel',
    ]),
  revert: (title: string) =>
    question(`Go back to ${title} as it is in its file?`, 'What was done since it was saved here is lost.', [
      'Go back',
      'Cancel',
    ]),
  changed: (file: string) =>
    question(`${file} was changed by another program.`, 'Saving here writes over what that program wrote.', [
      'Save as…',
      'Write over it',
      'Cancel',
    ]),
} as const;

export const files = {
  notOpened: (file: string, reason: string) => `${file} was not opened: ${reason}.`,
  notSaved: (file: string, reason: string) =>
    `${file} was not saved: ${reason}. The document stays open, and its journal is kept; save it elsewhere.`,
  neverSaved: 'it was never saved',
  noFile: 'it is no file',
  openElsewhere: 'another window has it open',
  tooLarge: (mib: number, most: number) => `it has ${mib} MiB, and at most ${most} MiB are read`,
  stays: 'The open machine stays as it was.',
} as const;

export const notices = {
  drawnAnew: {
    what: 'The window was lost and is drawn anew.',
    why: 'Nothing that was done is lost; terminals begin again.',
  },
  fault: 'The document stays open as its journal says. Please copy the details if you report it.',
  changed: (title: string) => ({
    what: `${title} was changed by another program.`,
    why: 'The window shows what was opened here, and saving asks first.',
  }),
  removed: (title: string) => ({
    what: `${title} was moved or deleted.`,
    why: 'The document is only in this window now.',
  }),
  broughtBack: (title: string) => ({
    what: `${title} was brought back.`,
    why: 'VFIO Lab was cut off. Nothing that was done is lost; save it now.',
  }),
  notBroughtBack: (reason: string, kept: string) => ({
    what: 'An unsaved document could not be brought back.',
    why: `${reason}\nIts journal is kept as ${kept}`,
  }),
  noJournal: (reason: string) => ({
    what: 'Changes cannot be kept for recovery; save the document often.',
    why: reason,
  }),
  journalAgain: { what: 'Changes are kept for recovery again.', why: null },
  unknownLink: (text: string) => ({
    what: 'This link was not followed.',
    why: `${text} names neither a lesson nor a sample machine.`,
  }),
} as const;

/** Why the disk refused, by errno; what was tried is in the sentence around it. */
export const disk = {
  write: {
    EACCES: 'it may not be written there',
    EPERM: 'it may not be written there',
    EROFS: 'the disk may only be read',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota of the disk is used up',
    EFBIG: 'it is larger than files may be there',
    ENOENT: 'the folder is not there any more',
    ENOTDIR: 'the folder is not there any more',
    EISDIR: 'a folder has that name',
    EBUSY: 'another program holds it',
    EMFILE: 'too many files are open',
    EIO: 'the disk reports an error',
    ENAMETOOLONG: 'the name is too long',
  },
  read: {
    EACCES: 'it may not be read',
    EPERM: 'it may not be read',
    ENOENT: 'it is not there',
    ENOTDIR: 'it is not there',
    ELOOP: 'its links lead in a circle',
    EBUSY: 'another program holds it',
    EMFILE: 'too many files are open',
    EIO: 'the disk reports an error',
    ENAMETOOLONG: 'the name is too long',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;
