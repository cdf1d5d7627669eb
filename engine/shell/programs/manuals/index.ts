/** Every manual page by its name. */
import { INTERFACE_PAGES } from './interfaces';
import { LAB_PAGES } from './lab';
import { SYSTEM_PAGES } from './system';

export const MANUALS: Readonly<Record<string, string>> = { ...SYSTEM_PAGES, ...INTERFACE_PAGES, ...LAB_PAGES };
