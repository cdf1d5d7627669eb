import { ERRNO } from '../../errno';

/** The secret that PF and VF users share, and how many VF users there are. */
export interface VfToken {
  uuid: string;
  users: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UUID_LENGTH = 36;
const OPTION = 'vf_token=';

/** Token behind the name in GET_DEVICE_FD: null none, undefined no match, or -EINVAL. */
export function parseDeviceName(name: string, text: string): string | null | undefined | number {
  if (!text.startsWith(name)) return undefined;
  let rest = text.slice(name.length);
  if (rest !== '' && !rest.startsWith(' ')) return undefined;
  let token: string | null = null;
  while (rest !== '') {
    if (rest.startsWith(' ')) {
      rest = rest.slice(1);
      continue;
    }
    if (token !== null || !rest.startsWith(OPTION)) return -ERRNO.EINVAL;
    const uuid = rest.slice(OPTION.length, OPTION.length + UUID_LENGTH);
    if (!UUID.test(uuid)) return -ERRNO.EINVAL;
    token = uuid.toLowerCase();
    rest = rest.slice(OPTION.length + UUID_LENGTH);
  }
  return token;
}

/** Text form of 16 bytes as a structure carries them. */
export function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What a device is in the rule of tokens. */
export interface TokenRole {
  readonly isVirtual: boolean;
  /** A VF: the token of its PF, when that enabled the VF through vfio-pci. */
  readonly parentToken: VfToken | null;
  /** A PF: its own token. */
  readonly ownToken: VfToken | null;
}

/** 0, or a negative errno with what the kernel logs. Giving a PF without VF users a token sets it. */
export function checkToken(role: TokenRole, given: string | null): { result: number; log: string | null } {
  const refuse = (errno: number, log: string): { result: number; log: string } => ({ result: -errno, log });
  const compare = (token: VfToken): { result: number; log: string | null } => {
    if (given === null) return refuse(ERRNO.EACCES, 'VF token required to access device');
    if (given !== token.uuid) return refuse(ERRNO.EACCES, 'Incorrect VF token provided for device');
    return { result: 0, log: null };
  };
  if (role.isVirtual) {
    if (role.parentToken !== null) return compare(role.parentToken);
    if (given === null) return { result: 0, log: null };
    return refuse(ERRNO.EINVAL, 'VF token incorrectly provided, PF not bound to vfio-pci');
  }
  if (role.ownToken === null) {
    if (given === null) return { result: 0, log: null };
    return refuse(ERRNO.EINVAL, 'VF token incorrectly provided, not a PF or VF');
  }
  if (role.ownToken.users > 0) return compare(role.ownToken);
  if (given !== null) role.ownToken.uuid = given;
  return { result: 0, log: null };
}
