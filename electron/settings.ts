/** What a person has set, kept in the profile: written whole, read with every damage made good. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Settings } from './bridge/contract';

/** Layouts are the page's affair; here they are text of a limited size. */
const layout = z.string().max(20_000);
const shape = z.object({
  theme: z.enum(['system', 'light', 'dark', 'hc']).catch('system'),
  zoom: z.number().min(1).max(2).catch(1),
  comfortable: z.boolean().catch(false),
  screenReader: z.boolean().catch(false),
  motion: z.enum(['system', 'reduced']).catch('system'),
  autosave: z.boolean().catch(false),
  startPage: z.boolean().catch(true),
  marksSeen: z.array(z.string().max(64)).max(64).catch([]),
  containersAs: z.enum(['picture', 'list']).catch('picture'),
  namedLayouts: z
    .array(z.object({ name: z.string().min(1).max(64), layout }))
    .max(32)
    .catch([]),
  /** By document; `last` is for documents without one. */
  layouts: z.record(z.string(), layout).catch({}),
  last: layout.nullable().catch(null),
});
type Kept = z.infer<typeof shape>;

/** What the page may change, checked when it comes over the bridge. */
export const settingsPatch = shape.omit({ layouts: true, last: true }).partial().strict();

const MOST_LAYOUTS = 100;

export class SettingsFile {
  private readonly file: string;
  private kept: Kept;
  private readonly listeners = new Set<(settings: Settings) => void>();

  constructor(profile: string) {
    this.file = path.join(profile, 'settings.json');
    this.kept = this.read();
  }

  get settings(): Settings {
    const { layouts: _layouts, last: _last, ...settings } = this.kept;
    return settings;
  }

  change(patch: Partial<Settings>): void {
    this.kept = { ...this.kept, ...patch };
    this.write();
    for (const listener of this.listeners) listener(this.settings);
  }

  onChange(listener: (settings: Settings) => void): void {
    this.listeners.add(listener);
  }

  /** The layout that a document was last seen with; a new one gets the last that was used. */
  layoutOf(document: string | null): string | null {
    return (document !== null && this.kept.layouts[document]) || this.kept.last;
  }

  keepLayout(document: string | null, text: string): void {
    const { [document ?? '']: _old, ...others } = this.kept.layouts;
    const layouts = document === null ? this.kept.layouts : { ...others, [document]: text };
    this.kept = { ...this.kept, last: text, layouts: Object.fromEntries(Object.entries(layouts).slice(-MOST_LAYOUTS)) };
    this.write();
  }

  /** Settings are not worth stopping for: a profile that cannot be written to only forgets them. */
  private write(): void {
    const work = `${this.file}.tmp`;
    try {
      writeFileSync(work, JSON.stringify(this.kept, null, 1));
      renameSync(work, this.file);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  private read(): Kept {
    try {
      return shape.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch {
      // Absent at the first start, or damaged as a whole.
      return shape.parse({});
    }
  }
}
