/** The writes to config space that were made in this window, by function, newest first. */
import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import type { ActionResult } from '../bridge';
import { useDocuments } from './documents';

export interface WriteReport {
  /** Counts up with every write. */
  serial: number;
  offset: number;
  as: 'user' | 'root';
  /** Hex in memory order: what the writer read before, wrote, and reads now. */
  before: string;
  wanted: string;
  after: string;
  result: ActionResult;
  /** Inputs in force after it; fewer now means that it was undone. */
  position: number;
}

const KEPT = 50;

export const useAccesses = defineStore('accesses', () => {
  const documents = useDocuments();
  const byFunction = shallowRef<ReadonlyMap<string, readonly WriteReport[]>>(new Map());
  let serial = 0;

  const of = (address: string): readonly WriteReport[] => byFunction.value.get(address) ?? [];
  /** Keeps a write; those that were undone before it are gone for good. */
  function keep(address: string, before: number, report: Omit<WriteReport, 'serial'>): void {
    const stay = of(address).filter((old) => old.position <= before);
    const list = [{ ...report, serial: ++serial }, ...stay].slice(0, KEPT);
    byFunction.value = new Map(byFunction.value).set(address, list);
  }
  watch(
    () => documents.opened,
    () => (byFunction.value = new Map()),
  );
  return { of, keep };
});
