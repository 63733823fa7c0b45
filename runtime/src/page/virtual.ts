/** Of a long list only what is seen is drawn, with room left for the rest. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Drawn {
  readonly items: readonly VirtualItem[];
  /** Room of what is not drawn, px. */
  readonly beforePx: number;
  readonly afterPx: number;
}

/** `rowPx`: height of a row before it was measured. */
export function useVirtual(count: number, rowPx: number, scroller: RefObject<HTMLElement | null>): Drawn {
  const [, redraw] = useState(0);
  const made = useRef<Virtualizer<HTMLElement, Element>>(undefined);
  const options = {
    ...{ count, overscan: 8, estimateSize: () => rowPx, getScrollElement: () => scroller.current },
    ...{ observeElementRect, observeElementOffset, scrollToFn: elementScroll },
    initialRect: { width: 0, height: 800 },
    onChange: () => redraw((times) => times + 1),
  };
  made.current ??= new Virtualizer(options);
  made.current.setOptions(options);
  useLayoutEffect(() => made.current?._didMount(), []);
  useLayoutEffect(() => made.current?._willUpdate());
  const items = made.current.getVirtualItems();
  const beforePx = items[0]?.start ?? 0;
  return { items, beforePx, afterPx: made.current.getTotalSize() - (items.at(-1)?.end ?? 0) };
}
