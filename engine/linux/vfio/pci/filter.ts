import type { ConfigSpace } from '../../../hardware/pci/config-space';
import type { Resource } from '../../pci/device';
import type { ConfigLayout } from './layout';

export type Width = 1 | 2 | 4;
export type IrqType = 'none' | 'intx' | 'msi' | 'msix';

/** What the filter asks of the device it belongs to. */
export interface FilterHost {
  readonly resources: readonly Resource[];
  /** Memory decoding of a virtual function is not in its command register. */
  readonly isVirtual: boolean;
  readonly noIntx: boolean;
  readonly irqType: IrqType;
  /** log2 of the MSI vectors that the last enable gave. */
  readonly msiQmax: number;
  /** Takes the memory lock and removes every user mapping of the BARs. */
  revokeMappings(): void;
  maskIntx(): void;
  unmaskIntx(): void;
  /** 0–3; what the kernel refuses stays unchanged. */
  setPowerState(state: number): void;
  tryReset(): void;
  maxPayload(): number;
  setMaxReadRequest(bytes: number): void;
  /** Four bytes of vital product data; false on any error. */
  readVpd(address: number): number | null;
  writeVpd(address: number, value: number): boolean;
  log(level: number, text: string): void;
}

/** What the write hooks of the filter work on. */
export interface FilterState {
  readonly hardware: ConfigSpace;
  readonly layout: ConfigLayout;
  readonly host: FilterHost;
  /** Raw BARs and ROM BAR of the hardware at open. */
  readonly savedBars: readonly number[];
  barsDirty: boolean;
  /** The user's view of INTx disable, as acted upon. */
  virqDisabled: boolean;
  store(at: number, width: Width, value: number): void;
  shadowWord(at: number): number;
  setShadow(at: number, width: Width, value: number): void;
  restoreBars(): void;
}
