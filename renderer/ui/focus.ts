/** Panes with one obvious place for the focus give it there; the others take it themselves. */
const INNER: Readonly<Record<string, string>> = {
  topology: '.topo [role="treeitem"][tabindex="0"], tr[tabindex="0"]',
  editor: '.chooser input, .cm-content',
  terminal: '.xterm-helper-textarea, [role="log"]',
};

export function enterPane(pane: HTMLElement | null | undefined): void {
  if (!pane) return;
  const inner = [...pane.querySelectorAll<HTMLElement>(INNER[pane.dataset['pane'] ?? ''] ?? ':not(*)')].find(
    (element) => element.closest('[hidden]') === null,
  );
  (inner ?? pane).focus();
}
