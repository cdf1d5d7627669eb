/** Pictures of lessons for the page, which loads nothing from outside its own bundle. */
import type { Lab } from '../engine/lab/lab';

const TYPES: Readonly<Record<string, string>> = { svg: 'image/svg+xml', png: 'image/png' };

/** A picture of the open lesson's folder as a data URL; null when there is none of that name. */
export function lessonPicture(lab: Lab, name: string): string | null {
  const type = TYPES[name.split('.').at(-1) ?? ''];
  const bytes = type === undefined ? null : lab.lessonFile(name);
  return bytes === null ? null : `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
