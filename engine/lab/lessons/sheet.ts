/** A lesson on paper: a page that prints by itself, with room for a name and boxes to tick. */
import type { Block, Lesson, LessonStep } from './lesson';
import { renderInline, renderMarkdown } from './markdown';

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE = `
  body { font: 11pt/1.45 system-ui, sans-serif; max-width: 42em; margin: 2em auto; color: #000; }
  h1 { font-size: 18pt; margin-bottom: 0; } h2 { font-size: 13pt; margin-top: 1.6em; break-after: avoid; }
  pre { font: 8.5pt/1.35 ui-monospace, monospace; border: 0.5pt solid #888; padding: 0.6em; white-space: pre-wrap; break-inside: avoid; }
  code { font-family: ui-monospace, monospace; font-size: 0.92em; }
  ul.checks { list-style: none; padding: 0; break-inside: avoid; } ul.checks li::before { content: '\\2610\\00a0'; }
  .name { float: right; border-bottom: 0.5pt solid #000; width: 16em; } .about { color: #333; }
  a { color: inherit; text-decoration: none; }
`;

function block(part: Block): string {
  switch (part.kind) {
    case 'prose':
      return renderMarkdown(part.markdown);
    case 'output':
      return `<pre><b># ${escape(part.command)}</b>\n${escape(part.text)}</pre>`;
    case 'question':
      return `<p>${renderInline(part.ask)}</p><ul class="checks">${part.choices
        .map(({ text }) => `<li>${renderInline(text)}</li>`)
        .join('')}</ul>`;
  }
}

function step(one: LessonStep, index: number): string {
  const asked = new Set(one.blocks.flatMap((part) => (part.kind === 'question' ? [`question-${part.id}`] : [])));
  const checks = one.checks.filter((check) => !asked.has(check.id));
  const list = checks.map((check) => `<li>${renderInline(check.say)}</li>`).join('');
  return `<h2>${index + 1}. ${escape(one.title)}</h2>${one.blocks.map(block).join('')}${list && `<ul class="checks">${list}</ul>`}`;
}

/** A page of HTML without anything from outside. */
export const lessonSheet = (lesson: Lesson): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(lesson.title)}</title><style>${STYLE}</style></head><body>
<div class="name">Name:</div>
<h1>${escape(lesson.title)}</h1>
<p class="about">${escape(lesson.about)} About ${lesson.minutes} minutes.</p>
${lesson.intro.map(block).join('')}
${lesson.steps.map(step).join('\n')}
</body></html>
`;
