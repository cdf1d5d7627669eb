/** The database that comes with the lab (Debian 12's version, as in the recordings), read at first use. */
import { PciIdDatabase } from './database';
import { LAB_IDS } from './lab-ids';
import other from './other-names.json';
import data from './pci-ids.json';

export { PciIdDatabase } from './database';

let loaded: PciIdDatabase | null = null;

export function pciIds(): PciIdDatabase {
  loaded ??= new PciIdDatabase(`${data.text}${LAB_IDS}`);
  return loaded;
}

let named: PciIdDatabase | null = null;

/** The same for reading names back to ids: it knows those of other versions too. */
export function pciIdsByAnyName(): PciIdDatabase {
  if (named === null) {
    named = pciIds();
    named.alsoCalled(other.text);
  }
  return named;
}
