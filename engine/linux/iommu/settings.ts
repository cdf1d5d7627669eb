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
  readonly defaultDomain: DomainType;
  /** What `auto` and an untrusted or lazily flushed device fall back to. */
  readonly flushQueue: boolean;
  /** False where the command line leaves only 4 KiB pages to user mappings (`sp_off`, `nohugepages`). */
  readonly largePages: boolean;
}

const word = (cmdline: string, name: string): string | null =>
  cmdline
    .split(/\s+/)
    .filter((part) => part.startsWith(`${name}=`))
    .at(-1)
    ?.slice(name.length + 1) ?? null;

const isOn = (value: string | null): boolean => value === '1' || value === 'y' || value === 'on';

export function iommuSettings(description: MachineDescription): IommuSettings {
  const { cmdline } = description.kernel;
  const unit = unitOf(description);
  const intel = (word(cmdline, 'intel_iommu') ?? '').split(',');
  const amd = (word(cmdline, 'amd_iommu') ?? '').split(',');
  const off =
    description.iommu === 'none' ||
    word(cmdline, 'iommu') === 'off' ||
    (description.iommu === 'intel-vtd' && intel.includes('off')) ||
    (description.iommu === 'amd-vi' && word(cmdline, 'amd_iommu') === 'off');
  const passthrough = word(cmdline, 'iommu') === 'pt' || isOn(word(cmdline, 'iommu.passthrough'));
  // Old spellings of iommu.strict=1.
  const spelledStrict = intel.includes('strict') || amd.includes('fullflush');
  const strict = isOn(word(cmdline, 'iommu.strict')) || spelledStrict || unit.cachingMode;
  const flushQueue = !unit.cachingMode;
  const remappingOff = (word(cmdline, 'intremap') ?? '').split(',').includes('off');
  return {
    enabled: !off,
    unit,
    interruptRemapping: !off && unit.interruptRemapping && !remappingOff,
    defaultDomain: passthrough ? 'identity' : strict ? 'DMA' : 'DMA-FQ',
    flushQueue,
    largePages: !(description.iommu === 'intel-vtd' && intel.includes('sp_off')) && !amd.includes('nohugepages'),
  };
}

/** What the kernel's log says of these settings at boot (spec iommu-groups 8). */
export function bootLines(iommu: MachineDescription['iommu'], settings: IommuSettings, cmdline: string): string[] {
  const asked = word(cmdline, 'intel_iommu')?.split(',').includes('on') ?? false;
  const lines = iommu === 'intel-vtd' && settings.enabled && asked ? ['DMAR: IOMMU enabled'] : [];
  const passthrough = settings.defaultDomain === 'identity';
  const chosen = passthrough || word(cmdline, 'iommu') === 'nopt' || word(cmdline, 'iommu.passthrough') !== null;
  const byHand = ' (set via kernel command line)';
  lines.push(`iommu: Default domain type: ${passthrough ? 'Passthrough' : 'Translated'}${chosen ? byHand : ''}`);
  if (!passthrough) {
    const strict = settings.defaultDomain === 'DMA';
    const said = word(cmdline, 'iommu.strict') !== null;
    lines.push(`iommu: DMA domain TLB invalidation policy: ${strict ? 'strict' : 'lazy'} mode${said ? byHand : ''}`);
  }
  return lines;
}

/** How ACS is judged on this machine. A dump that hides registers is taken at its worst (`assume`). */
export function acsSettingsOf(description: MachineDescription, settings: IommuSettings): AcsSettings {
  const { cmdline } = description.kernel;
  return {
    amdIommu: description.iommu === 'amd-vi',
    override: parseAcsOverride(cmdline),
    enabledByLinux: settings.enabled && !/(?:config_acs|disable_acs_redir)=/.test(cmdline),
    assume: 'open',
  };
}
