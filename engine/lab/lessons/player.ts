/** Plays the solution of a lesson's steps in a shell of its own and by the window's actions: for "show me" and for checks. */
import type { UserSpace } from '../../shell/user-space';
import { InteractiveShell, loginShell } from '../../shell/interactive';
import { decode, NULL_READER } from '../../shell/streams';
import type { Action, ActionResult } from '../action';
import { choiceText } from './lesson';
import type { LessonStep } from './lesson';
import type { SolutionStep } from './solution';

/** What the player needs of the lab it plays in. */
export interface PlayerStage {
  readonly system: UserSpace;
  act(action: Action): ActionResult;
  answer(question: string, choice: number): void;
  wait(ms: number): void;
  /** Names the gesture that the next command makes. */
  announce(label: string): void;
}

/** One thing that was done, with what it printed. */
export interface PlayedStep {
  /** As a person would type or say it. */
  readonly what: string;
  readonly output: string;
  readonly refused: boolean;
}

const COLUMNS = 100;
const ROWS = 30;

export class LessonPlayer {
  private readonly stage: PlayerStage;
  private readonly shell: InteractiveShell;
  private printed = '';

  constructor(stage: PlayerStage) {
    this.stage = stage;
    const shell = loginShell(stage.system, {
      stdin: NULL_READER,
      output: {
        write: (bytes) => {
          this.printed += decode(bytes);
          return Promise.resolve();
        },
        close: () => undefined,
      },
      host: { terminal: () => ({ columns: COLUMNS, rows: ROWS }) },
    });
    this.shell = new InteractiveShell(shell);
  }

  /** Does these parts in a step: its solution, or a wrong way. */
  async play(step: LessonStep, parts: readonly SolutionStep[], told: (played: PlayedStep) => void): Promise<void> {
    for (const part of parts) told(await this.part(part, step));
  }

  private async part(part: SolutionStep, step: LessonStep): Promise<PlayedStep> {
    if ('sh' in part) return this.command(part.sh);
    if ('act' in part) {
      const result = this.stage.act(part.act);
      return { what: result.message, output: result.calls.map((line) => `${line}\n`).join(''), refused: !result.ok };
    }
    if ('wait' in part) {
      this.stage.wait(part.wait);
      return { what: `wait ${part.wait} ms`, output: '', refused: false };
    }
    const { question, choice } = part.answer;
    this.stage.answer(question, choice);
    return { what: `answer: ${choiceText(step, question, choice)}`, output: '', refused: false };
  }

  private async command(sh: string): Promise<PlayedStep> {
    this.printed = '';
    this.stage.announce(sh.split('\n')[0]!);
    for (const line of sh.split('\n')) await this.shell.line(line);
    return { what: sh, output: this.printed, refused: this.shell.shell.status !== 0 };
  }
}
