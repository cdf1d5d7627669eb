/** Objects of an iommufd: one number space for all kinds (iommufd.md 2). */

export type ObjectKind = 'ioas' | 'hwpt' | 'device' | 'fault';

export interface IommufdObject {
  readonly kind: ObjectKind;
  id: number;
  /** References of others: 0 means that DESTROY may take it away. */
  users: number;
}

const FIRST_ID = 1;

export class ObjectTable {
  private readonly objects = new Map<number, IommufdObject>();
  private readonly reserved = new Set<number>();

  get size(): number {
    return this.objects.size + this.reserved.size;
  }

  /** Takes the lowest free number, before the object is there. */
  reserve(): number {
    let id = FIRST_ID;
    while (this.objects.has(id) || this.reserved.has(id)) id++;
    this.reserved.add(id);
    return id;
  }

  /** Gives a reserved number back. */
  abort(id: number): void {
    this.reserved.delete(id);
  }

  /** The object behind a reserved number is ready. */
  finalize(object: IommufdObject): void {
    this.reserved.delete(object.id);
    this.objects.set(object.id, object);
  }

  add(object: IommufdObject): void {
    object.id = this.reserve();
    this.finalize(object);
  }

  any(id: number): IommufdObject | null {
    return this.objects.get(id) ?? null;
  }

  remove(id: number): void {
    this.objects.delete(id);
  }

  all(): IommufdObject[] {
    return [...this.objects.values()];
  }
}
