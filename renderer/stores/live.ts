/** A view of the engine as a ref: subscribed while the scope lives, again whenever its parameters change. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { lab, type ViewName, type Views } from '../bridge';

/**
 * `parameters` returns undefined while nothing is to be shown; the value is null then and until the first answer.
 */
export function live<V extends ViewName>(
  view: V,
  parameters: () => Views[V]['parameters'] | undefined,
): Readonly<ShallowRef<Views[V]['value'] | null>> {
  const value = shallowRef<Views[V]['value'] | null>(null);
  let stop: (() => void) | null = null;
  const end = (): void => {
    stop?.();
    stop = null;
  };
  watch(
    () => {
      const wanted = parameters();
      return wanted === undefined ? undefined : JSON.stringify(wanted);
    },
    (key) => {
      end();
      value.value = null;
      if (key === undefined) return;
      // A copy of its own: what Vue watches cannot cross the bridge.
      const wanted = JSON.parse(key) as Views[V]['parameters'];
      let current = true;
      const unsubscribe = lab().subscribe(view, wanted, (next) => {
        if (current) value.value = next;
      });
      stop = () => {
        current = false;
        unsubscribe();
      };
    },
    { immediate: true },
  );
  onScopeDispose(end);
  return value;
}

/** A view's value as it is now. */
export function once<V extends ViewName>(view: V, parameters: Views[V]['parameters']): Promise<Views[V]['value']> {
  return new Promise((resolve) => {
    let stop: (() => void) | null = null;
    let done = false;
    stop = lab().subscribe(view, parameters, (value) => {
      if (done) return;
      done = true;
      stop?.();
      resolve(value);
    });
    if (done) stop();
  });
}
