// Elements from data. Text goes in as text, whatever it holds: nothing from the network is read as markup.
const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined) continue;
    element.append(typeof child === 'object' ? child : document.createTextNode(String(child)));
  }
  return element;
}

export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** One child per item, in their order; a child is made anew only when what it shows changed. */
export function list(container, items, idOf, render) {
  const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = idOf(item);
    const shown = JSON.stringify(item);
    const old = known.get(key);
    if (old?.shown === shown) return old;
    const made = render(item);
    made.dataset.key = key;
    made.shown = shown;
    return made;
  });
  wanted.forEach((child, index) => {
    if (container.children[index] !== child) container.insertBefore(child, container.children[index] ?? null);
  });
  while (container.children.length > wanted.length) container.lastElementChild.remove();
}

/** kW with one decimal below 100; a dash for what is not known. */
export function kw(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value.toLocaleString('en-GB', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
}

const LONDON = { timeZone: 'Europe/London', hour12: false };
const clock = new Intl.DateTimeFormat('en-GB', { ...LONDON, hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat('en-GB', {
  ...LONDON,
  weekday: 'short',
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

/** London local time, as settlement counts it. */
export function time(ms) {
  return Number.isFinite(ms) ? clock.format(ms) : '–';
}

export function dateTime(ms) {
  return Number.isFinite(ms) ? full.format(ms) : '–';
}

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
