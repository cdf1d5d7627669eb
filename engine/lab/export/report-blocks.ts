/** A report as blocks, and the two forms it is written in. */

export type Block =
  | { kind: 'heading'; level: 1 | 2 | 3; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'list'; items: readonly string[]; ordered?: boolean }
  | { kind: 'table'; head: readonly string[]; rows: readonly (readonly string[])[] };

const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&').replaceAll('\n', ' ');

export function markdown(blocks: readonly Block[]): string {
  const parts = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `${'#'.repeat(block.level)} ${escapeMarkdown(block.text)}`;
      case 'text':
        return escapeMarkdown(block.text);
      case 'list':
        return block.items.map((item, k) => `${block.ordered ? `${k + 1}.` : '-'} ${escapeMarkdown(item)}`).join('\n');
      case 'table':
        return [block.head, block.head.map(() => '---'), ...block.rows]
          .map((row, k) => `| ${row.map((cell) => (k === 1 ? cell : escapeMarkdown(cell))).join(' | ')} |`)
          .join('\n');
    }
  });
  return `${parts.join('\n\n')}\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (one) => ENTITIES[one]!);

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#161b23;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #d5dae3}h3{font-size:1rem;margin-bottom:.2rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #d5dae3;padding:.2rem .5rem;text-align:left;vertical-align:top}
th{background:#f5f6f9}td:first-child{font-family:ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14171c}th{background:#1f242c}td,th,h2{border-color:#3a424e}}`;

export function html(blocks: readonly Block[], title: string): string {
  const parts = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`;
      case 'text':
        return `<p>${escapeHtml(block.text)}</p>`;
      case 'list': {
        const tag = block.ordered ? 'ol' : 'ul';
        return `<${tag}>\n${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('\n')}\n</${tag}>`;
      }
      case 'table': {
        const row = (cells: readonly string[], tag: string): string =>
          `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
        return `<table>\n<thead>${row(block.head, 'th')}</thead>\n<tbody>\n${block.rows.map((cells) => row(cells, 'td')).join('\n')}\n</tbody>\n</table>`;
      }
    }
  });
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>${escapeHtml(title)}</title>\n<style>\n${STYLE}\n</style>\n</head>\n<body>\n${parts.join('\n')}\n</body>\n</html>\n`;
}
