// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { fn, topology } from '../../__fixtures__/machines';
import { smallMachine } from '../../__fixtures__/machines';
import { topologyPicture } from './picture';

const TOKENS = (name: string): string => (name === '--fg' ? '#161b23' : '#aabbcc');
const read = (svg: string): Document => new DOMParser().parseFromString(svg, 'image/svg+xml');

describe('picture of the topology', () => {
  it('names every endpoint and every group that can be lent, and needs no style sheet', () => {
    const view = smallMachine();
    const svg = topologyPicture(view, 'small', TOKENS);
    const texts = [...read(svg).querySelectorAll('text')].map((text) => text.textContent);
    expect(texts).toContain('small');
    for (const one of view.functions.filter((f) => !f.isBridge)) expect(texts).toContain(one.address.slice(5));
    for (const group of view.groups.filter((g) => g.hasEndpoint)) expect(texts).toContain(String(group.id));
    expect(svg).not.toContain('var(');
  });

  it('keeps letters that mean something to XML as letters', () => {
    const view = topology([fn('0000:00:02.0', { name: 'A & B <C>', group: 1 })]);
    expect(read(topologyPicture(view, '"x" & <y>', TOKENS)).querySelector('title')?.textContent).toBe('"x" & <y>');
    expect(topologyPicture(view, '', TOKENS)).toContain('A &amp; B &lt;C&gt;');
  });
});
