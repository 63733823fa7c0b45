/** A map's plane and the part of it that is seen. Pure. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Mean radius of the earth, km: an area as large as a DSO's is drawn right to some metres in a kilometre. */
const EARTH_KM = 6_371.0088;
const KM_PER_DEGREE = (Math.PI / 180) * EARTH_KM;

export interface LatLon {
  readonly latitude: number;
  readonly longitude: number;
}

/** Equirectangular, true at the middle latitude of what is drawn: km east and km south of its middle. */
export function projection(places: readonly LatLon[]): (place: LatLon) => Point {
  const middle = (values: readonly number[]) =>
    values.length === 0 ? 0 : (Math.min(...values) + Math.max(...values)) / 2;
  const latitude = middle(places.map((one) => one.latitude));
  const longitude = middle(places.map((one) => one.longitude));
  const narrow = Math.cos((latitude * Math.PI) / 180);
  return (place) => ({
    x: (place.longitude - longitude) * narrow * KM_PER_DEGREE,
    y: (latitude - place.latitude) * KM_PER_DEGREE,
  });
}

export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function boundsOf(points: readonly Point[]): Bounds {
  if (points.length === 0) return { left: 0, top: 0, right: 0, bottom: 0 };
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** px. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is in the middle of the screen, and px per unit. */
export interface View extends Point {
  readonly scale: number;
}

/** How far out and in a view may go, px per unit. */
export interface Zoom {
  readonly least: number;
  readonly most: number;
}

const PADDING_PX = 48;
/** Names stand to the right of what they name. */
const NAME_PX = 185;
const NAME_SHARE = 0.45;

/** The largest view that holds everything, within the zoom; what does not fit begins at its top left. */
export function fitted(bounds: Bounds, { width, height }: Size, { least, most }: Zoom): View {
  const namePx = Math.min(NAME_PX, NAME_SHARE * width);
  const across = Math.max(1, width - PADDING_PX - namePx);
  const down = Math.max(1, height - 2 * PADDING_PX);
  const wanted = Math.min(across / (bounds.right - bounds.left), down / (bounds.bottom - bounds.top));
  const scale = Math.min(most, Math.max(least, Number.isFinite(wanted) ? wanted : most));
  const along = (low: number, high: number, px: number, shift: number) =>
    (high - low) * scale <= px ? (low + high) / 2 + shift / scale : low + px / 2 / scale;
  return {
    x: along(bounds.left, bounds.right, across, (namePx - PADDING_PX) / 2),
    y: along(bounds.top, bounds.bottom, down, 0),
    scale,
  };
}

/** Moved by px; the middle of the screen stays above what there is. */
export function moved(view: View, byX: number, byY: number, bounds: Bounds): View {
  const within = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
  return {
    ...view,
    x: within(view.x + byX / view.scale, bounds.left, bounds.right),
    y: within(view.y + byY / view.scale, bounds.top, bounds.bottom),
  };
}

/** @param at what stays under the pointer, px from the middle of the screen */
export function zoomed(view: View, factor: number, { least, most }: Zoom, at: Point = { x: 0, y: 0 }): View {
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const kept = 1 / view.scale - 1 / scale;
  return { x: view.x + at.x * kept, y: view.y + at.y * kept, scale };
}

/** px of the screen. */
export function onScreen(point: Point, view: View, { width, height }: Size): Point {
  return { x: (point.x - view.x) * view.scale + width / 2, y: (point.y - view.y) * view.scale + height / 2 };
}

/** The longest of 1, 2 and 5 times a power of ten that is at most `mostPx` wide. */
export function scaleBar(pxPerKm: number, mostPx: number): { readonly km: number; readonly px: number } {
  const power = 10 ** Math.floor(Math.log10(mostPx / pxPerKm));
  const km = [5, 2, 1].map((step) => step * power).find((one) => one * pxPerKm <= mostPx) ?? power;
  return { km, px: km * pxPerKm };
}
