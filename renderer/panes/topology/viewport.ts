/** The window onto the drawing: how large, where it is scrolled to, how close. */
import { computed, nextTick, onMounted, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue';
import { FLAT_BELOW, cellsInView, sameArea, type Area } from './cull';
import { NODE_HEIGHT } from './layout';

const SMALLEST = 0.15;
const LARGEST = 2.5;
const STEP = 1.2;
/** No drawing starts smaller than this. */
const LEAST_START = 0.7;
const EDGE = 24;
/** px from the edge of the pane in which it creeps, and how far at each move. */
const CREEP_ZONE = 36;
const CREEP = 14;

interface Size {
  width: number;
  height: number;
}

export type Viewport = ReturnType<typeof useViewport>;

export function useViewport() {
  let drawing: () => Size | null = () => null;
  const box: Ref<HTMLElement | null> = ref(null);
  const size = shallowRef<Size>({ width: 700, height: 400 });
  const scroll = shallowRef({ left: 0, top: 0 });
  const zoom = ref(1);
  const area = computed<Area>((old) => {
    const next = cellsInView(scroll.value, size.value, zoom.value);
    return old && sameArea(old, next) ? old : next;
  });

  function measure(): void {
    if (box.value && box.value.clientWidth > 0)
      size.value = { width: box.value.clientWidth, height: box.value.clientHeight };
  }
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    const element = box.value;
    if (!element) return;
    observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    const onScroll = (): void => void (scroll.value = { left: element.scrollLeft, top: element.scrollTop });
    element.addEventListener('scroll', onScroll, { passive: true });
    element.addEventListener('wheel', onWheel, { passive: false });
  });
  onScopeDispose(() => observer?.disconnect());

  function setZoom(next: number, at?: { x: number; y: number }): void {
    const element = box.value;
    const value = Math.min(LARGEST, Math.max(SMALLEST, next));
    if (!element || value === zoom.value) return;
    const px = at?.x ?? element.clientWidth / 2;
    const py = at?.y ?? element.clientHeight / 2;
    const x = (element.scrollLeft + px) / zoom.value;
    const y = (element.scrollTop + py) / zoom.value;
    zoom.value = value;
    void nextTick(() => scrollTo(x * value - px, y * value - py));
  }
  function scrollTo(left: number, top: number): void {
    if (!box.value) return;
    box.value.scrollLeft = left;
    box.value.scrollTop = top;
  }
  function fit(): void {
    const now = drawing();
    if (!now) return;
    const wide = Math.min(1.5, size.value.width / now.width);
    const whole = Math.min(wide, size.value.height / now.height);
    // A very long drawing is fitted in width: as a whole nothing of it could be read.
    setZoom(whole < FLAT_BELOW ? Math.min(1, wide) : whole);
  }
  function onWheel(e: WheelEvent): void {
    if (!e.ctrlKey) return;
    e.preventDefault();
    const rect = box.value?.getBoundingClientRect();
    setZoom(
      zoom.value * Math.exp(-e.deltaY / 300),
      rect ? { x: e.clientX - rect.left, y: e.clientY - rect.top } : undefined,
    );
  }
  /** What is looked at, known only after the size is: a drawing too wide starts smaller, within reason. */
  function lookAt(what: () => Size | null, name: () => string | null): void {
    drawing = what;
    watch([name, () => what()?.width ?? 0, () => size.value.width], ([now, wide, room], [before]) => {
      if (wide > 0 && (now !== before || zoom.value < 1))
        zoom.value = wide > room ? Math.max(LEAST_START, room / wide) : 1;
    });
  }

  /** Scrolls as little as shows a node. */
  function show(node: { x: number; y: number; width: number }): void {
    const element = box.value;
    if (!element) return;
    const top = node.y * zoom.value;
    const bottom = (node.y + NODE_HEIGHT) * zoom.value;
    if (top < element.scrollTop + 8) element.scrollTop = top - EDGE;
    else if (bottom > element.scrollTop + element.clientHeight - 8)
      element.scrollTop = bottom - element.clientHeight + EDGE;
    const left = node.x * zoom.value;
    const right = (node.x + node.width) * zoom.value;
    if (left < element.scrollLeft) element.scrollLeft = left - EDGE;
    else if (right > element.scrollLeft + element.clientWidth)
      element.scrollLeft = Math.min(left - EDGE, right - element.clientWidth + EDGE);
  }

  /** Drags the ground under the pointer. */
  function pan(down: PointerEvent): void {
    const element = box.value;
    if (!element || down.button > 1) return;
    const from = { left: element.scrollLeft, top: element.scrollTop };
    const move = (e: PointerEvent): void =>
      scrollTo(from.left - (e.clientX - down.clientX), from.top - (e.clientY - down.clientY));
    addEventListener('pointermove', move);
    addEventListener('pointerup', () => removeEventListener('pointermove', move), { once: true });
  }

  /** A place of the pane in drawing units; null while there is no pane. */
  function pointAt({ clientX, clientY }: Pick<MouseEvent, 'clientX' | 'clientY'>): { x: number; y: number } | null {
    const element = box.value;
    if (!element) return null;
    const rect = element.getBoundingClientRect();
    return {
      x: (clientX - rect.left + element.scrollLeft) / zoom.value,
      y: (clientY - rect.top + element.scrollTop) / zoom.value,
    };
  }

  /** The drawing creeps along when something is held at its edge. */
  function creep(x: number, y: number): void {
    const element = box.value;
    if (!element) return;
    const rect = element.getBoundingClientRect();
    if (x < rect.left || x > rect.right || y < rect.top || y > rect.bottom) return;
    const step = (at: number, low: number, high: number): number =>
      at < low + CREEP_ZONE ? -CREEP : at > high - CREEP_ZONE ? CREEP : 0;
    element.scrollTop += step(y, rect.top, rect.bottom);
    element.scrollLeft += step(x, rect.left, rect.right);
  }

  return {
    box,
    size,
    scroll,
    zoom,
    area,
    lookAt,
    fit,
    show,
    pan,
    pointAt,
    creep,
    scrollTo,
    zoomIn: (): void => setZoom(zoom.value * STEP),
    zoomOut: (): void => setZoom(zoom.value / STEP),
    fullSize: (): void => setZoom(1),
  };
}
