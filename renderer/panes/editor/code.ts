/** CodeMirror as the lab uses it: C, the lab's colours, the keys that people expect. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completeAnyWord } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { cpp } from '@codemirror/lang-cpp';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { CompilerProblem } from '../../bridge';

const COLOURS = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--term-dim)' },
  { tag: [tags.keyword, tags.modifier], color: 'var(--term-violet)' },
  { tag: tags.typeName, color: 'var(--term-blue)' },
  { tag: [tags.string, tags.character], color: 'var(--term-green)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--term-amber)' },
  { tag: [tags.processingInstruction, tags.meta], color: 'var(--term-red)' },
  { tag: tags.function(tags.definition(tags.variableName)), fontWeight: '600' },
]);

const LOOK = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--term-bg)', color: 'var(--term-fg)', fontSize: 'var(--t-base)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--term-fg)', padding: '6px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--term-fg)' },
  '.cm-gutters': { backgroundColor: 'var(--term-bg)', color: 'var(--term-dim)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--bg-hover) 50%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--bg-hover)', color: 'var(--term-fg)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--bg-select)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--bg-active)', outline: '1px solid var(--line-2)' },
  '.cm-selectionMatch, .cm-searchMatch': { backgroundColor: 'var(--warn-bg)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--bg-select)', outline: '1px solid var(--accent)' },
  '.cm-panels': { backgroundColor: 'var(--bg-inset)', color: 'var(--fg)', borderColor: 'var(--line)' },
  '.cm-panel.cm-search': { fontSize: 'var(--t-base)', padding: '4px 8px' },
  '.cm-textfield, .cm-button': {
    backgroundColor: 'var(--bg-pane)',
    backgroundImage: 'none',
    border: '1px solid var(--line-2)',
    borderRadius: 'var(--r-1)',
    color: 'var(--fg)',
    fontSize: 'var(--t-base)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--bg-raised)',
    color: 'var(--fg)',
    border: '1px solid var(--line-2)',
    borderRadius: 'var(--r-2)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--bg-select)', color: 'var(--fg)' },
  '.cm-diagnostic': { fontFamily: 'var(--font-ui)', fontSize: 'var(--t-base)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--danger)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn)' },
  '.cm-diagnostic-info': { borderLeftColor: 'var(--info)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--danger)' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn)' },
  '.cm-lintRange-info': { backgroundImage: 'none', textDecoration: 'underline dotted var(--info)' },
});

export interface CodeKeys {
  save(): void;
  compile(): void;
  run(): void;
}

/** `label`: what a screen reader calls the text. */
export function extensions(label: string, isC: boolean, keys: CodeKeys, changed: (text: string) => void): Extension {
  const key = (name: string, run: () => void) => ({ key: name, run: () => (run(), true), preventDefault: true });
  return [
    keymap.of([key('Mod-s', keys.save), key('Mod-b', keys.compile), key('Mod-Enter', keys.run)]),
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    drawSelection(),
    history(),
    indentOnInput(),
    indentUnit.of('\t'),
    EditorState.tabSize.of(8),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ override: [completeAnyWord], activateOnTyping: false }),
    search({ top: true }),
    highlightSelectionMatches(),
    lintGutter(),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
    isC ? cpp() : [],
    syntaxHighlighting(COLOURS),
    LOOK,
    EditorView.contentAttributes.of({ 'aria-label': label }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) changed(update.state.doc.toString());
    }),
  ];
}

const encoder = new TextEncoder();
const lineOf = (text: Text, line: number) => text.line(Math.min(Math.max(line, 1), text.lines));

/** Place in a text of a line and column as the compiler counts: columns are bytes, from 1. */
export function placeOf(text: Text, line: number, column: number): number {
  const found = lineOf(text, line);
  let bytes = column - 1;
  let at = 0;
  for (const character of found.text) {
    if (bytes <= 0) break;
    bytes -= encoder.encode(character).length;
    at += character.length;
  }
  return found.from + Math.min(at, found.length);
}

const SEVERITY = { error: 'error', warning: 'warning', note: 'info' } as const;

/** Underlines for what the compiler said of this text: from the place to the end of the word there. */
export function diagnostics(text: Text, said: readonly CompilerProblem[]): Diagnostic[] {
  return said
    .map(({ line, column, severity, message }): Diagnostic => {
      const from = placeOf(text, line, column);
      const found = lineOf(text, line);
      const length = /^(\w+|.)/.exec(found.text.slice(from - found.from))?.[0].length ?? 0;
      return { from, to: from + length, severity: SEVERITY[severity], message };
    })
    .sort((a, b) => a.from - b.from);
}
