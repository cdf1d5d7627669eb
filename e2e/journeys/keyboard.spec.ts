/** Without a mouse: every place is reached, the focus is always seen, and nothing moves for those who want it still. */
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test';

interface Stop {
  readonly what: string;
  readonly pane: string | null;
  readonly ring: boolean;
  readonly inWindow: boolean;
}

/** What has the focus, and how that is seen. */
const stop = (page: Page): Promise<Stop> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const box = element.getBoundingClientRect();
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--focus').trim();
    const probe = document.createElement('i');
    probe.style.color = colour;
    document.body.append(probe);
    const focus = getComputedStyle(probe).color;
    probe.remove();
    const shows = (one: Element): boolean => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1 && outlineColor === focus;
    };
    const name = element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 40);
    return {
      what: `${element.tagName.toLowerCase()} ${name}`,
      pane: element.closest('[data-pane]')?.getAttribute('data-pane') ?? null,
      // A terminal shows its cursor, a node of the drawing a stroke.
      ring:
        shows(element) ||
        element.classList.contains('xterm-helper-textarea') ||
        [...element.querySelectorAll('*')].some((inner) => getComputedStyle(inner).stroke === focus),
      inWindow: box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight,
    };
  });

test('Tab goes round the window, F6 from pane to pane, and the focus is seen wherever it is', async ({
  lab,
  person,
}) => {
  const { page } = lab;
  await person.seesGroups();
  await person.selects('01:00.0');
  await page.getByRole('menuitem', { name: 'File', exact: true }).focus();
  const stops: Stop[] = [];
  const MOST = 150;
  for (let k = 0; k < MOST; k++) {
    await page.keyboard.press('Tab');
    const now = await stop(page);
    if (stops.length > 5 && now.what === stops[0]!.what && now.pane === stops[0]!.pane) break;
    stops.push(now);
    // In a terminal Tab belongs to the shell.
    if (now.pane === 'terminal' && /^textarea/.test(now.what)) await page.keyboard.press('F6');
  }
  expect(stops.length).toBeLessThan(MOST);
  expect(stops.filter(({ ring }) => !ring).map(({ what, pane }) => `${pane}: ${what}`)).toEqual([]);
  expect(stops.filter(({ inWindow }) => !inWindow).map(({ what, pane }) => `${pane}: ${what}`)).toEqual([]);
  const panes = ['topology', 'inspector', 'containers', 'interrupts', 'terminal', 'timeline', 'lesson'];
  expect([...new Set(stops.map(({ pane }) => pane))]).toEqual(expect.arrayContaining(panes));

  await page.keyboard.press('Control+1');
  const order: (string | null)[] = [];
  for (let k = 0; k < panes.length; k++) {
    await page.keyboard.press('F6');
    await page.waitForTimeout(60);
    order.push((await stop(page)).pane);
  }
  expect(new Set(order)).toEqual(new Set(panes));
});

test('with less motion nothing moves, whether the system or the person wants that', async ({ lab, person }) => {
  const { page } = lab;
  await person.seesGroups();
  /** The longest of all durations that the page's styles give, in ms. */
  const longest = (): Promise<number> =>
    page.evaluate(() => {
      const ms = (text: string): number[] =>
        text.split(',').map((one) => Number.parseFloat(one) * (one.trim().endsWith('ms') ? 1 : 1000));
      const all = [...document.querySelectorAll('*')].flatMap((element) => {
        const style = getComputedStyle(element);
        return [...ms(style.transitionDuration), ...ms(style.animationDuration)];
      });
      return Math.max(...all);
    });
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  expect(await longest()).toBeGreaterThan(50);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await longest()).toBeLessThanOrEqual(1);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await page.evaluate(() => window.vfioLab.changeSettings({ motion: 'reduced' }));
  await expect.poll(longest).toBeLessThanOrEqual(1);
  await page.keyboard.press('Control+k');
  await expect(page.getByPlaceholder('Function, group or command')).toBeFocused();
  expect(await longest()).toBeLessThanOrEqual(1);
});
