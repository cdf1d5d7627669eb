/** Rows of one height in a scrolling box: which of them are in view, and the room the others take. */
import { computed, onMounted, onScopeDispose, ref, type Ref } from 'vue';

const SPARE = 12;

export interface Slice {
  from: number;
  to: number;
  /** Height in px of the rows before and after the slice. */
  before: number;
  after: number;
}

export function sliceOf(total: number, row: number, scrollTop: number, height: number): Slice {
  const from = Math.max(0, Math.min(total, Math.floor(scrollTop / row) - SPARE));
  const to = Math.min(total, Math.max(from, Math.ceil((scrollTop + height) / row) + SPARE));
  return { from, to, before: from * row, after: (total - to) * row };
}

export function useWindowed(box: Ref<HTMLElement | null>, total: () => number, row: () => number) {
  const scrollTop = ref(0);
  const height = ref(600);
  const onScroll = (): void => {
    scrollTop.value = box.value?.scrollTop ?? 0;
  };
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    const element = box.value;
    if (!element) return;
    element.addEventListener('scroll', onScroll, { passive: true });
    observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    height.value = element.clientHeight;
  });
  onScopeDispose(() => observer?.disconnect());
  const slice = computed(() => sliceOf(total(), row(), scrollTop.value, height.value));
  /** Scrolls just far enough that a row is in view. */
  const show = (index: number): void => {
    const element = box.value;
    if (!element) return;
    const top = index * row();
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + row() > element.scrollTop + element.clientHeight)
      element.scrollTop = top + row() - element.clientHeight;
  };
  return { slice, show };
}
