/** Flag words as lspci prints them: `SrcValid+ TransBlk- …`. */
import type { RegisterLayout } from '../../../hardware/pci/layout';
import type { Registers } from './registers';

/** Names that other versions of pciutils use for the same bit, by register. */
const ALIASES: Record<string, Record<string, string>> = {
  DevCtl: {
    Correctable: 'CorrErr',
    'Non-Fatal': 'NonFatalErr',
    UncorrErr: 'NonFatalErr',
    Fatal: 'FatalErr',
    Unsupported: 'UnsupReq',
    UnsuppReq: 'UnsupReq',
    BrConfRtry: 'FLReset',
  },
  DevSta: { UncorrErr: 'NonFatalErr', UnsuppReq: 'UnsupReq' },
  LnkCtl: { LnkDisable: 'Disabled' },
  CESta: { NonFatalErr: 'AdvNonFatalErr' },
  CEMsk: { NonFatalErr: 'AdvNonFatalErr' },
  AERCap: { GenCap: 'ECRCGenCap', CGenEn: 'ECRCGenEn', ChkCap: 'ECRCChkCap', ChkEn: 'ECRCChkEn' },
  UESta: { PoisonedTLP: 'TLP' },
  UEMsk: { PoisonedTLP: 'TLP' },
  UESvrt: { PoisonedTLP: 'TLP' },
  PTMCap: { 'Requester:': 'Requester', 'Responder:': 'Responder', 'Root:': 'Root' },
  PTMControl: { 'Enabled:': 'Enabled', 'RootSelected:': 'RootSelected' },
  RootCap: { RRSVisible: 'CRSVisible' },
  RootCtl: { RRSVisible: 'CRSVisible' },
};

const FLAG = /(?:^|[\s,;:(])([A-Za-z0-9<>/_.:-]*?[A-Za-z0-9:])([+-])(?=$|[\s,;)])/g;

/** Every `name±` of the text, in order. */
export function flagsIn(text: string): [string, boolean][] {
  return [...text.matchAll(FLAG)].map((match) => [match[1]!, match[2] === '+']);
}

/** Sets the register's flags that the text shows; answers them by name. Flags the table does not hold are left out. */
export function setFlags(regs: Registers, base: number, register: RegisterLayout, text: string): Map<string, boolean> {
  const aliases = ALIASES[register.name] ?? {};
  const set = new Map<string, boolean>();
  for (const [shown, on] of flagsIn(text)) {
    const name = aliases[shown] ?? shown;
    const field = register.fields.find((one) => one.name === name && one.msb === one.lsb);
    if (!field || set.has(name)) continue;
    regs.setField(base, register, field, on ? 1 : 0);
    set.set(name, on);
  }
  if (set.size > 0) regs.setReserved(base, register);
  return set;
}
