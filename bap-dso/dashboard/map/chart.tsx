/** The map with what moves it. */
import { useEffect, useRef } from 'preact/hooks';
import type { Point } from './geo.ts';
import { useNavigation } from './navigate.ts';
import { inSight, Picture, type PictureProps } from './picture.tsx';
import type { TreeNode } from './tree.ts';

/** How near a press has to be, px: the target is 24 px wide and more. */
const NEAR_PX = 20;

const STEP = 1.4;

interface ChartProps extends Omit<PictureProps, 'size' | 'view'> {
  readonly choose: (id: string) => void;
  readonly order: readonly TreeNode[];
  /** Absent where there is one way to draw it. */
  readonly toggle: (() => void) | undefined;
}

export function Chart({ choose, order, toggle, ...picture }: ChartProps) {
  const { layout, selected } = picture;
  const box = useRef<HTMLElement>(null);
  const pressed = (at: Point) => {
    const away = (spot: { readonly at: Point }) => Math.hypot(spot.at.x - at.x, spot.at.y - at.y);
    const seen = inSight(layout.spots, view, size).filter(({ node }) => node.kind === 'feeder');
    const [nearest] = seen.toSorted((a, b) => away(a) - away(b));
    if (nearest && away(nearest) <= NEAR_PX) choose(nearest.node.id);
  };
  const step = (by: 1 | -1) => {
    const at = order.findIndex(({ id }) => id === selected);
    const next = order[at < 0 ? 0 : (at + by + order.length) % order.length];
    if (next) choose(next.id);
  };
  const { size, view, zoomBy, fit, show } = useNavigation(box, layout, { choose: pressed, step });
  useEffect(() => {
    const spot = layout.spots.find(({ node }) => node.id === selected);
    if (spot) show(spot);
  }, [selected, layout]);
  return (
    <>
      <div class="buttons">
        <button type="button" onClick={() => zoomBy(STEP)}>
          Zoom in
        </button>
        <button type="button" onClick={() => zoomBy(1 / STEP)}>
          Zoom out
        </button>
        <button type="button" onClick={fit}>
          Show all
        </button>
        {toggle && (
          <button type="button" onClick={toggle}>
            {layout.kind === 'geographic' ? 'Draw as a diagram' : 'Draw by coordinates'}
          </button>
        )}
      </div>
      <section
        ref={box}
        class="map-box"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved by keyboard.
        tabIndex={0}
        aria-label="Map of feeders. Arrow keys move it, plus and minus zoom, 0 shows all, n and p choose the next and the previous feeder. The table below says the same."
      >
        <Picture {...picture} size={size} view={view} />
      </section>
    </>
  );
}
