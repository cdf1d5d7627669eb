/** What the kernel command line and the IOMMU unit decide at boot. */
import { unitOf } from '../../hardware/description';
import type { IommuUnit, MachineDescription } from '../../hardware/description';
import type { AcsSettings } from '../pci/acs';
import { parseAcsOverride } from '../pci/acs';
import type { DomainType } from './group';

export interface IommuSettings {
  /** The unit translates: there are groups. */
  readonly enabled: boolean;
  readonly unit: IommuUnit;
  readonly interruptRemapping: boolean;
  /** The type of default domains where nothing about a group's members demands another one. */
  readonly defaultDomain: DomainType;
  /** False where the command line leaves only 4 KiB pages to user mappings (`sp_off`, `nohugepages`). */
  readonly largePages: boolean;
  /** False where Intel's integrated graphics are to see memory as it is. */
  readonly mapsIntegratedGraphics: boolean;
  /** Units that serve nothing but Intel's graphics are left out (`igfx_off`). */
  readonly ignoresGraphicsUnits: boolean;
}

/** Parts of every `name=…` on the command line, taken apart at commas, in order. */
function wordsOf(cmdline: string, name: string): string[] {
  const found = cmdline.split(/\s+/).filter((part) => part.startsWith(`${name}=`));
  return found.flatMap((part) => part.slice(name.length + 1).split(','));
}

/** Last of `name=…` that is a truth value as the kernel reads them (kstrtobool); null: there is none. */
function truthOf(cmdline: string, name: string): boolean | null {
  let truth: boolean | null = null;
  for (const value of wordsOf(cmdline, name)) {
    if (/^(?:[yt1]|on)/i.test(value)) truth = true;
    else if (/^(?:[nf0]|of)/i.test(value)) truth = false;
  }
  return truth;
}

/** The last of several words that exclude one another; null: none of them is there. */
const lastOf = (words: readonly string[], ...among: readonly string[]): string | null =>
  words.filter((word) => among.includes(word)).at(-1) ?? null;

interface Choices {
  readonly passthrough: boolean;
  /** Said on the command line. */
  readonly passthroughSaid: boolean;
  /** Strict by option; a unit may make it so later. */
  readonly strict: boolean;
  readonly strictSaid: boolean;
}

function choicesOf(cmdline: string): Choices {
  const pass = lastOf(wordsOf(cmdline, 'iommu'), 'pt', 'nopt');
  const named = truthOf(cmdline, 'iommu.passthrough');
  const strict = truthOf(cmdline, 'iommu.strict');
  const spelled =
    wordsOf(cmdline, 'intel_iommu').includes('strict') || wordsOf(cmdline, 'amd_iommu').includes('fullflush');
  return {
    passthrough: named ?? pass === 'pt',
    passthroughSaid: named !== null || pass !== null,
    strict: (strict ?? false) || spelled,
    strictSaid: strict !== null,
  };
}

export function iommuSettings(description: MachineDescription): IommuSettings {
  const { iommu: kind, kernel } = description;
  const { cmdline } = kernel;
  const unit = unitOf(description);
  const intel = wordsOf(cmdline, 'intel_iommu');
  const amd = wordsOf(cmdline, 'amd_iommu');
  const off =
    kind === 'none' ||
    wordsOf(cmdline, 'iommu').includes('off') ||
    (kind === 'intel-vtd' && lastOf(intel, 'on', 'off') === 'off') ||
    (kind === 'amd-vi' && amd.includes('off'));
  const { passthrough, strict } = choicesOf(cmdline);
  // Arm's units flush at once unless they are told otherwise; so does one that an emulator has to follow.
  const lazy = kind === 'smmu' ? truthOf(cmdline, 'iommu.strict') === false : !strict;
  return {
    enabled: !off,
    unit,
    interruptRemapping: !off && unit.interruptRemapping && !wordsOf(cmdline, 'intremap').includes('off'),
    defaultDomain: passthrough ? 'identity' : lazy && !unit.cachingMode ? 'DMA-FQ' : 'DMA',
    largePages: !(kind === 'intel-vtd' && intel.includes('sp_off')) && !amd.includes('nohugepages'),
    mapsIntegratedGraphics: kernel.build !== 'debian' || lastOf(intel, 'on', 'intgpu_off') === 'on',
    ignoresGraphicsUnits: intel.includes('igfx_off'),
  };
}

/** What the kernel's log says of these settings at boot, before it looks at any unit (spec iommu-groups 8). */
export function bootLines(iommu: MachineDescription['iommu'], settings: IommuSettings, cmdline: string): string[] {
  const asked = wordsOf(cmdline, 'intel_iommu').includes('on');
  const lines = iommu === 'intel-vtd' && settings.enabled && asked ? ['DMAR: IOMMU enabled'] : [];
  const { passthrough, passthroughSaid, strict, strictSaid } = choicesOf(cmdline);
  const said = (yes: boolean): string => (yes ? ' (set via kernel command line)' : '');
  lines.push(`iommu: Default domain type: ${passthrough ? 'Passthrough' : 'Translated'}${said(passthroughSaid)}`);
  if (!passthrough) {
    lines.push(`iommu: DMA domain TLB invalidation policy: ${strict ? 'strict' : 'lazy'} mode${said(strictSaid)}`);
  }
  return lines;
}

/** What the units' driver says when it starts, before groups are made. */
export function unitLines(iommu: MachineDescription['iommu'], { unit }: IommuSettings): string[] {
  if (!unit.cachingMode) return [];
  if (iommu === 'intel-vtd') return ['DMAR: IOMMU batching disallowed due to virtualization'];
  return iommu === 'amd-vi' ? ['AMD-Vi: Using strict mode due to virtualization'] : [];
}

/** How ACS is judged on this machine. A dump that hides registers is taken at its worst (`assume`). */
export function acsSettingsOf(description: MachineDescription, settings: IommuSettings): AcsSettings {
  const { cmdline } = description.kernel;
  return {
    amdIommu: description.iommu === 'amd-vi',
    override: parseAcsOverride(cmdline).override,
    enabledByLinux: settings.enabled && !/(?:config_acs|disable_acs_redir)=/.test(cmdline),
    assume: 'open',
  };
}
