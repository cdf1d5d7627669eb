/** What Linux writes into ACS control registers while it sets a function up (iommu-groups.md 3.2, 3.3, 3.6). */
import type { ConfigSpace } from '../../hardware/pci/config-space';
import type { KernelLog } from '../log';
import { ACS, ACS_CAPABILITY } from './acs';
import { isPchPort, isSunrisePoint, pchPortsEnabled } from './acs-quirks';
import type { PciDevice } from './device';
import { matchesDevice, pciOption } from './device-match';
import { LEVEL, devicePrefix } from './enable';

export interface AcsEnableSettings {
  /** An IOMMU is on: what isolates is turned on everywhere. */
  readonly enable: boolean;
  readonly cmdline: string;
  /** Registers of the function at a devfn of the same bus: the LPC bridge leads to the chipset's. */
  readonly neighbour?: (device: PciDevice, devfn: number) => ConfigSpace | null;
}

/** Intel PCH ports: the requester's bus number is checked, which is what source validation does elsewhere. */
const MISCELLANEOUS_PORT_CONFIG = 0xd8;
const INVALID_BUS_CHECK = 0x0400_0000;

const REDIRECTS = ACS.RR | ACS.CR | ACS.EC;
const ISOLATING = ACS.SV | ACS.RR | ACS.CR | ACS.UF;

/** Sets ACS up on one function. Bits that firmware set are kept unless the command line names the function. */
export function setUpAcs(device: PciDevice, settings: AcsEnableSettings, log: KernelLog): void {
  const handled = settings.enable && enableChipsetPort(device, settings, log);
  const at = device.config.findExtendedCapability(ACS_CAPABILITY);
  if (at === 0) return;
  const { config } = device;
  const offered = config.read(at + 4, 2);
  const firmware = config.read(at + 6, 2);
  let control = firmware;
  if (settings.enable && !handled) control |= offered & defaultBits(device, settings);

  const redirect = listed(device, settings.cmdline, 'disable_acs_redir', log);
  const wanted = listed(device, settings.cmdline, 'config_acs', log);
  // Ports with a way of their own to stop redirection take it for either option.
  if ((redirect !== null || wanted !== null) && isSunrisePoint(device)) {
    config.write(at + 8, 4, config.read(at + 8, 4) & ~REDIRECTS);
    log.print(LEVEL.INFO, `${devicePrefix(device)}Intel SPT PCH root port workaround: disabled ACS redirect`);
    return;
  }
  if (redirect !== null) control = configured(device, firmware & ~REDIRECTS, log);
  if (wanted !== null) control = configured(device, withFlags(firmware, wanted.flags), log);
  if (control !== firmware) config.write(at + 6, 2, control);
}

/** Translation blocking only where translated requests are never right: ATS is off, or the port faces outwards. */
function defaultBits(device: PciDevice, settings: AcsEnableSettings): number {
  const outside = device.attributes['externalFacing'] === 1 || device.attributes['untrusted'] === 1;
  return outside || pciOption(settings.cmdline, 'noats') !== null ? ISOLATING | ACS.TB : ISOLATING;
}

/** Root ports of Intel chipsets that have their own way; true when the usual one must not follow. */
function enableChipsetPort(device: PciDevice, settings: AcsEnableSettings, log: KernelLog): boolean {
  const say = (level: number, text: string): void => log.print(level, `${devicePrefix(device)}${text}`);
  if (isPchPort(device)) {
    if (!pchPortsEnabled(device, settings)) {
      say(LEVEL.WARNING, 'Failed to enable Intel PCH ACS quirk');
      return true;
    }
    const miscellaneous = device.config.read(MISCELLANEOUS_PORT_CONFIG, 4);
    if (!(miscellaneous & INVALID_BUS_CHECK)) {
      say(LEVEL.INFO, 'Enabling MPC IRBNCE');
      device.config.write(MISCELLANEOUS_PORT_CONFIG, 4, miscellaneous | INVALID_BUS_CHECK);
    }
    say(LEVEL.INFO, 'Intel PCH root port ACS workaround enabled');
    return true;
  }
  if (!isSunrisePoint(device)) return false;
  const at = device.config.findExtendedCapability(ACS_CAPABILITY);
  const offered = device.config.read(at + 4, 4);
  device.config.write(at + 8, 4, device.config.read(at + 8, 4) | (offered & defaultBits(device, settings)));
  say(LEVEL.INFO, 'Intel SPT PCH root port ACS workaround enabled');
  return true;
}

function configured(device: PciDevice, control: number, log: KernelLog): number {
  log.print(LEVEL.INFO, `${devicePrefix(device)}Configured ACS to 0x${control.toString(16).padStart(4, '0')}`);
  return control;
}

/** Rightmost character is bit 0: `0` clears, `1` sets, `x` leaves what firmware set. */
function withFlags(firmware: number, flags: string): number {
  let control = firmware;
  [...flags].reverse().forEach((flag, bit) => {
    if (flag === '1') control |= 1 << bit;
    if (flag === '0') control &= ~(1 << bit);
  });
  return control;
}

/** The first entry of a list option that names the device, with its flags; null when none does or the list is wrong. */
function listed(
  device: PciDevice,
  cmdline: string,
  option: 'config_acs' | 'disable_acs_redir',
  log: KernelLog,
): { readonly flags: string } | null {
  const value = pciOption(cmdline, option);
  if (value === null || value === '') return null;
  const complain = (text: string): null => {
    log.print(LEVEL.ERR, `${devicePrefix(device)}${text}`);
    return null;
  };
  for (const entry of value.split(';')) {
    const split = entry.indexOf('@');
    let flags = '';
    if (option === 'config_acs') {
      if (split < 0) return complain('ACS Flags missing');
      flags = entry.slice(0, split);
      if (!/^[01x]*$/.test(flags)) return complain('Invalid ACS flags... Ignoring');
      if (flags.length > 7 && /[01]/.test(flags.slice(0, -7))) return complain('Invalid ACS flags specified');
    }
    const found = matchesDevice(device, entry.slice(split + 1));
    if (found === null) {
      const text = "PCI: Can't parse ACS command line parameter";
      if (!log.records.some((record) => record.text === text)) log.print(LEVEL.INFO, text);
      return null;
    }
    if (found) return { flags };
  }
  return null;
}
