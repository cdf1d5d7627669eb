/** Lists of functions that other programs print, as lines of lspci: tables and JSON of Proxmox, XML of libvirt. */
import type { TextLine } from './clean';

/** One function as such a list names it; numbers as hex digits without prefix. */
interface Row {
  readonly address: string;
  readonly group: string | null;
  readonly classCode: string;
  readonly vendor: string;
  readonly device: string;
  readonly name: string;
}

const digits = (text: string | undefined, count: number): string | null => {
  const match = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(text?.trim() ?? '');
  return match ? match[1]!.toLowerCase().padStart(count, '0') : null;
};

/** `IOMMU Group 5 0000:01:00.0 [0300]: GA104 [10de:2484] (prog-if 00)` */
const lineOf = ({ address, group, classCode, vendor, device, name }: Row): string =>
  `${group === null ? '' : `IOMMU Group ${group} `}${address} [${classCode.slice(0, 4)}]: ${name} [${vendor}:${device}] (prog-if ${classCode.slice(4)})`;

/** Columns of `pvesh get /nodes/…/hardware/pci`, or the same fields of its JSON; null where one is missing. */
function rowOf(field: (name: string) => string | undefined): Row | null {
  const address = field('id');
  const classCode = digits(field('class'), 6);
  const vendor = digits(field('vendor'), 4);
  const device = digits(field('device'), 4);
  if (!address || !/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/i.test(address)) return null;
  if (classCode === null || vendor === null || device === null) return null;
  const group = /^\d+$/.exec(field('iommugroup') ?? '')?.[0] ?? null;
  return { address: address.toLowerCase(), group, classCode, vendor, device, name: field('device_name') ?? '' };
}

/** Rows of tables whose head has the column `iommugroup`. */
function tableRows(lines: readonly TextLine[]): TextLine[] {
  let columns: readonly string[] | null = null;
  return lines.map((line) => {
    if (!/[│|]/.test(line.text)) return line;
    const cells = line.text
      .trim()
      .replace(/^[│|]|[│|]$/g, '')
      .split(/[│|]/)
      .map((cell) => cell.trim());
    if (cells.includes('iommugroup')) {
      columns = cells;
      return { ...line, text: '' };
    }
    const head = columns;
    const row = head === null ? null : rowOf((name) => cells[head.indexOf(name)]);
    return row === null ? line : { ...line, text: lineOf(row) };
  });
}

const NODE = /<name>pci_([0-9a-f]{4,8})_([0-9a-f]{2})_([0-9a-f]{2})_([0-7])<\/name>/i;

/** `virsh nodedev-dumpxml`: a line for each device whose element ends. */
function xmlRows(lines: readonly TextLine[]): TextLine[] {
  let fields = new Map<string, string>();
  return lines.flatMap((line) => {
    const name = NODE.exec(line.text);
    if (name) fields = new Map([['id', `${name[1]}:${name[2]}:${name[3]}.${name[4]}`]]);
    if (!fields.has('id')) return [line];
    for (const [, tag, value] of line.text.matchAll(/<(class)>([^<]*)</gi)) fields.set(tag!, value!);
    for (const [, tag, value] of line.text.matchAll(/<(product|vendor) id=['"]([^'"]*)['"]/gi)) {
      fields.set(tag === 'product' ? 'device' : tag!, value!);
    }
    const group = /<iommuGroup number=['"](\d+)['"]/i.exec(line.text);
    if (group) fields.set('iommugroup', group[1]!);
    if (!/<\/device>/i.test(line.text)) return [{ ...line, text: /<path>/i.test(line.text) ? line.text : '' }];
    const row = rowOf((field) => fields.get(field));
    fields = new Map();
    return row === null ? [] : [{ number: line.number, text: lineOf(row) }];
  });
}

/** The lines of a text, with those lists as lines of lspci. */
export function withOtherLists(lines: readonly TextLine[]): readonly TextLine[] {
  const tables = lines.some(({ text }) => /\biommugroup\b/.test(text)) ? tableRows(lines) : lines;
  return tables.some(({ text }) => NODE.test(text)) ? xmlRows(tables) : tables;
}

/** JSON that holds functions as Proxmox prints them, or text of lspci in its strings; null when it holds neither. */
export function textInJson(value: unknown): string | null {
  const texts: string[] = [];
  const visit = (node: unknown, depth: number): void => {
    if (depth > 6 || texts.length > 65536) return;
    if (typeof node === 'string') {
      if (node.includes('\n') && /^\s*(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7] /im.test(node))
        texts.push(node);
      return;
    }
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      for (const one of node.slice(0, 65536)) visit(one, depth + 1);
      return;
    }
    const fields = node as Record<string, unknown>;
    const row = rowOf((name) => {
      const field = fields[name];
      return typeof field === 'string' || typeof field === 'number' ? String(field) : undefined;
    });
    if (row !== null) texts.push(lineOf(row));
    else for (const one of Object.values(fields)) visit(one, depth + 1);
  };
  visit(value, 0);
  return texts.length > 0 ? texts.join('\n') : null;
}
