/** Addresses of screens: `#/screen/id?query`. Pure. */

export interface Route {
  readonly screen: string;
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

export function parse(text: string): Route {
  const [path = '', query = ''] = text.replace(/^#?\/?/, '').split('?');
  const [screen = '', id] = path.split('/');
  return { screen, id: id ? decoded(id) : undefined, query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function to(screen: string, id?: string, query: Readonly<Record<string, string>> = {}): string {
  const asked = new URLSearchParams(query).toString();
  return `#/${screen}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${asked ? `?${asked}` : ''}`;
}
