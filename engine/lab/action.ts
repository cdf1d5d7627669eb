/**
 * Actions of the window: each is a small user-space program that issues the same system calls a person would type.
 * The calls are recorded as one gesture under the action's label and come back as strace lines.
 */
import type { Stimulus } from '../hardware/devices/stimulus';
import type { WriteExplanation } from '../linux/vfio/pci/explain';
import type { Refusal } from '../linux/why';
import type { HolderAction } from './holder-actions';
import type { TopologyEdit } from './input';

export type Action =
  | HolderAction
  /** driver_override + unbind + drivers_probe, as `driverctl` does; null gives the function back to its host driver. */
  | { kind: 'bind'; address: string; driver: string | null }
  | { kind: 'unbind'; address: string }
  /** Opens container and group, SET_CONTAINER, SET_IOMMU (type1v2), GET_DEVICE_FD for each member bound to vfio-pci. */
  | { kind: 'attach'; group: number; pid: number | null; containerFd: number | null }
  | { kind: 'detach'; group: number }
  /** SET_IRQS with fresh eventfds for vectors start…start+count-1; index as VFIO_PCI_*_IRQ_INDEX. */
  | { kind: 'enable-vectors'; address: string; index: 0 | 1 | 2; count: number }
  | { kind: 'disable-vectors'; address: string; index: 0 | 1 | 2 }
  | { kind: 'mask-vector'; address: string; index: 0 | 1 | 2; vector: number; masked: boolean }
  /** The device raises the interrupt (a stimulus, not a system call). */
  | { kind: 'fire'; address: string; vector: number | null }
  /** Something happens to a device (`Views['stimuli']` lists what can): a packet arrives, a link fails, … */
  | { kind: 'stimulate'; stimulus: Stimulus }
  /** pwrite through the device's vfio descriptor (`user`) or, as root, through sysfs `config` (`root`). */
  | { kind: 'write-config'; address: string; offset: number; hex: string; as: 'user' | 'root' }
  | { kind: 'reset'; address: string }
  | { kind: 'edit-hardware'; address: string; offset: number; hex: string }
  /** A change of the silicon, followed by a boot. */
  | { kind: 'edit'; edit: TopologyEdit }
  /** Root's write of ACS Control through sysfs `config`, as `setpci` does it. The groups stay until a rescan. */
  | { kind: 'set-acs'; changes: { address: string; control: number }[]; rescan?: string[] }
  /** echo 1 > remove for each, then echo 1 > /sys/bus/pci/rescan. */
  | { kind: 'rescan'; addresses: string[] }
  /** sriov_numvfs: 0 first where others are on. */
  | { kind: 'set-vfs'; address: string; count: number }
  /** Power off and on; null keeps the command line. */
  | { kind: 'reboot'; cmdline: string | null }
  /** Writes a text file of the lab as a whole, making it where it is missing. */
  | { kind: 'write-file'; path: string; text: string }
  | { kind: 'wait'; ms: number };

export interface ActionResult {
  ok: boolean;
  /** One sentence: what happened. */
  message: string;
  errno: string | null;
  why: Refusal | null;
  /** What became of every bit of a user's config write, told by the filter's tables before it was made. */
  explanation?: WriteExplanation;
  /** What an edit of the silicon did. */
  edited?: EditedView;
  /** The calls issued, as strace lines. */
  calls: string[];
  /** The step of the document that it became; absent where it changed nothing. */
  step?: { number: number; label: string };
}

export interface EditedView {
  added: string[];
  /** The first function of what was asked for; null when nothing was added or moved. */
  main: string | null;
  /** Key of it in the topology view. */
  key: string | null;
  /** Functions that have another address: before → now. */
  names: Record<string, string>;
  /** Whole sentences about what else it did. */
  notes: string[];
}
