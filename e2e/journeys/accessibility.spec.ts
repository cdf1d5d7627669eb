/** Nothing serious or critical for axe in any pane and any dialog, in any theme. */
import { findings } from '../fixtures/axe';
import { ACTS, Stage } from '../fixtures/scenes';
import { expect, test } from '../fixtures/test';

/** What depends on the theme; the rest is the same in all of them. */
const COLOURS = ['color-contrast'];

test('every pane and every dialog can be used by everyone, in every theme', async ({ lab }) => {
  test.setTimeout(240_000);
  const stage = new Stage(lab);
  // Colours are there at once.
  await stage.person.seesGroups();
  await stage.settings({ motion: 'reduced' });
  for (const act of ACTS) {
    await act.prepare(stage);
    for (const scene of act.scenes) {
      await test.step(scene.name, async () => {
        await scene.show(stage);
        for (const theme of ['light', 'dark', 'hc'] as const) {
          await stage.settings({ theme });
          await stage.drawn();
          const found = await findings(lab.page, scene.part, theme === 'light' ? null : COLOURS);
          expect.soft(found, `${scene.name}, ${theme}`).toEqual([]);
        }
        await scene.leave?.(stage);
      });
    }
  }
});
