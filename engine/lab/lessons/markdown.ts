/**
 * Lesson texts as HTML. Raw HTML in a text stays text. A link `lab:…` points at something on the screen
 * (`lab:function/01:00.0`, `lab:pane/terminal`, `lab:config/01:00.0/004`); any other link is shown as its address.
 */
import MarkdownIt from 'markdown-it';
import type { Token } from 'markdown-it';

const LAB = 'lab:';

const attribute = (token: Token, name: string): string => String(token.attrGet(name) ?? '');

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false });

// A text cannot load anything: pictures are drawn only from the lesson's own folder, by the pane.
parser.validateLink = (url) => url.startsWith(LAB) || /^https:\/\//.test(url) || /^[\w./-]+\.(?:svg|png)$/.test(url);

parser.renderer.rules['link_open'] = (tokens, index) => {
  const href = attribute(tokens[index]!, 'href');
  const target = parser.utils.escapeHtml(href);
  return href.startsWith(LAB)
    ? `<a href="#" data-lab="${parser.utils.escapeHtml(href.slice(LAB.length))}">`
    : `<span class="external" title="${target}">`;
};

parser.renderer.rules['link_close'] = (tokens, index) => {
  let depth = 0;
  for (let at = index; at >= 0; at--) {
    const token = tokens[at]!;
    if (token.type === 'link_close') depth++;
    if (token.type !== 'link_open' || --depth > 0) continue;
    return attribute(token, 'href').startsWith(LAB) ? '</a>' : '</span>';
  }
  return '';
};

parser.renderer.rules['image'] = (tokens, index) => {
  const token = tokens[index]!;
  const name = parser.utils.escapeHtml(attribute(token, 'src'));
  return `<span data-picture="${name}" role="img" aria-label="${parser.utils.escapeHtml(token.content)}"></span>`;
};

export const renderMarkdown = (text: string): string => parser.render(text);

/** One line without the paragraph around it. */
export const renderInline = (text: string): string => parser.renderInline(text);

/** What the links of a text point at in the lab. */
export function labLinks(text: string): string[] {
  return parser
    .parse(text, {})
    .flatMap((token) => token.children ?? [])
    .flatMap((token) => {
      const href = token.type === 'link_open' ? attribute(token, 'href') : '';
      return href.startsWith(LAB) ? [href.slice(LAB.length)] : [];
    });
}

/** Pictures that a text shows, by their file names. */
export function pictures(text: string): string[] {
  return parser
    .parse(text, {})
    .flatMap((token) => token.children ?? [])
    .flatMap((token) => (token.type === 'image' ? [attribute(token, 'src')] : []));
}
