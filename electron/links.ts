/** `vfiolab:` links: what they may ask for, checked before anything is done. */
import { app } from 'electron';
import { SCHEME, parseLink } from './link';
import type { Link } from './link';
import type { Sessions } from './sessions';
import { notices } from './texts';

/** Only an installed application takes links; a checkout would leave the system pointing at itself. */
export function registerScheme(): void {
  if (app.isPackaged) app.setAsDefaultProtocolClient(SCHEME);
}

export const linkOf = (word: string): Link | null => (word.startsWith(`${SCHEME}:`) ? parseLink(word) : null);

/** Opens what the link names, in an untouched window or a new one. */
export async function openLink(sessions: Sessions, link: Link): Promise<void> {
  const session = sessions.all.find((one) => one.untouched) ?? sessions.open({ kind: 'start', page: false });
  session.show();
  const { lab, files } = await session.workings;
  if (link.kind === 'sample') session.explain(await files.openSample(link.id));
  else if (link.kind === 'lesson') session.explain(lab.openLesson(link.id));
  else {
    session.notify({ kind: 'warning', ...notices.unknownLink(link.text), commands: [] });
  }
}
