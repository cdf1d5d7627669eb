/** From a key to its echo in a terminal, while an interrupt storm runs in another one, beside the same without it. */
import { launch } from '../e2e/fixtures/app';
import { Person } from '../e2e/fixtures/person';
import { median, report } from './lib/figures';

const KEYS = 60;
const BUDGET_MS = 16;
const GPU = '0000:01:00.0';
const HDMI = '0000:01:00.1';

const lab = await launch();
try {
  const { page } = lab;
  const person = new Person(lab.app, page);

  /** Milliseconds of each key from its keydown to the change of what the terminal shows. */
  const echoes = async (): Promise<number[]> => {
    await page.evaluate(() => {
      const state = { pressed: 0, times: [] as number[] };
      Object.assign(window, { echo: state });
      window.addEventListener('keydown', (event) => (state.pressed = event.timeStamp), { capture: true });
      const rows = document.querySelector('[role=tabpanel]:not([hidden]) .xterm-rows');
      if (!rows) throw new Error('No terminal is shown.');
      new MutationObserver(() => {
        if (state.pressed === 0) return;
        state.times.push(performance.now() - state.pressed);
        state.pressed = 0;
      }).observe(rows, { subtree: true, childList: true, characterData: true });
    });
    for (let key = 0; key < KEYS; key++) {
      await page.keyboard.press('abcdefghij'[key % 10]!);
      await page.waitForTimeout(40 + (key % 7) * 3);
    }
    await page.keyboard.press('Control+u');
    return page.evaluate(() => (window as unknown as { echo: { times: number[] } }).echo.times.slice(1));
  };

  await person.seesGroups();
  await person.clears();
  const quiet = await echoes();
  await person.types(
    `for d in ${GPU} ${HDMI}; do driverctl set-override $d vfio-pci; done; vfio attach ${GPU} && vfio cfg ${GPU} COMMAND=6 && vfio irq ${GPU} msi 0`,
  );
  await person.reads(/wakes its eventfd/);
  await person.types(`stim -n 100000000 -i 0.01 ${GPU} vector 0`);
  await page.waitForTimeout(1000);
  await page.keyboard.press('Control+Shift+Enter');
  await person.reads(/[#$]$/);
  const stormy = await echoes();
  if (Math.min(quiet.length, stormy.length) < KEYS / 2) throw new Error('Too few keys were seen to be echoed.');
  report([
    {
      what: 'key to echo during 100,000 interrupts a second',
      value: median(stormy),
      unit: 'ms',
      budget: BUDGET_MS,
      baseline: { what: 'the same without them', value: median(quiet) },
    },
  ]);
} finally {
  await lab.close();
}
