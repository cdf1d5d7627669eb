/**
 * Every text of the window, one file a pane. A message has three parts: what happened, why, and what to do next.
 * Words: `function` for one address, `bound to` a driver, `owned by` a process, a group is `viable` / `attached`.
 */
import * as bars from './bars';
import * as build from './build';
import * as commands from './commands';
import * as config from './config';
import * as containers from './containers';
import * as dock from './dock';
import * as documents from './documents';
import * as editor from './editor';
import * as frame from './frame';
import * as inspector from './inspector';
import * as interrupts from './interrupts';
import * as iommu from './iommu';
import * as lesson from './lesson';
import * as steps from './steps';
import * as stimulus from './stimulus';
import * as menus from './menus';
import * as messages from './messages';
import * as past from './past';
import * as start from './start';
import * as terminal from './terminal';
import * as timeline from './timeline';
import * as topology from './topology';

export const T = {
  ...bars,
  ...build,
  ...commands,
  ...config,
  ...containers,
  ...dock,
  ...documents,
  ...editor,
  ...frame,
  ...inspector,
  ...interrupts,
  ...iommu,
  ...lesson,
  ...steps,
  ...stimulus,
  ...menus,
  ...messages,
  ...past,
  ...start,
  ...terminal,
  ...timeline,
  ...topology,
} as const;
