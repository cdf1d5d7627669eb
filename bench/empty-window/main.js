/** The least that Electron can show: what the lab's start is compared with. */
import { BrowserWindow, app } from 'electron';

app.on('window-all-closed', () => app.quit());
// No await here: Electron is not ready before this module has run.
void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1440, height: 900, show: false });
  window.once('ready-to-show', () => window.show());
  void window.loadURL('data:text/html,<main role="tree"><p role="treeitem">1</p></main>');
});
