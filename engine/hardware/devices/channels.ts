/** Media outside of the PCI fabric by which devices reach one another: network wires, the memory behind several devices. */

/** The devices of one kind at one medium. */
export class Channels {
  private readonly members = new Map<string, Set<object>>();
  private readonly things = new Map<string, object>();

  join(name: string, member: object): void {
    const there = this.members.get(name);
    if (there) there.add(member);
    else this.members.set(name, new Set([member]));
  }

  leave(member: object): void {
    for (const there of this.members.values()) there.delete(member);
  }

  /** Everybody at the medium but `member`, in the order they came. */
  *others(name: string, member: object): IterableIterator<object> {
    for (const other of this.members.get(name) ?? []) if (other !== member) yield other;
  }

  /** What all at the medium share, made by the first. */
  shared<T extends object>(name: string, make: () => T): T {
    const known = this.things.get(name);
    if (known !== undefined) return known as T;
    const made = make();
    this.things.set(name, made);
    return made;
  }
}
