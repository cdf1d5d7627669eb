/** The database that comes with the lab (Debian 12's version, as in the recordings), read at first use. */
import { PciIdDatabase } from './database';
import { LAB_IDS } from './lab-ids';
import data from './pci-ids.json';

export { PciIdDatabase } from './database';

let loaded: PciIdDatabase | null = null;

export function pciIds(): PciIdDatabase {
  loaded ??= new PciIdDatabase(`${data.text}${LAB_IDS}`);
  return loaded;
}
