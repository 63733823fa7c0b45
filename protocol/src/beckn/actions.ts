/** The actions of Beckn 1.1 and who serves them: a request goes BAP to BPP, its `on_` answer BPP to BAP. */
export const REQUEST_ACTIONS = [
  'search',
  'select',
  'init',
  'confirm',
  'status',
  'track',
  'cancel',
  'update',
  'rating',
  'support',
] as const;
export type RequestAction = (typeof REQUEST_ACTIONS)[number];
export type CallbackAction = `on_${RequestAction}`;
export type Action = RequestAction | CallbackAction;

export const CALLBACK_ACTIONS: readonly CallbackAction[] = REQUEST_ACTIONS.map((action) => `on_${action}` as const);
const all = new Set<string>([...REQUEST_ACTIONS, ...CALLBACK_ACTIONS]);

export function isAction(value: unknown): value is Action {
  return typeof value === 'string' && all.has(value);
}

export function isCallback(action: Action): action is CallbackAction {
  return action.startsWith('on_');
}

export function callbackOf(action: RequestAction): CallbackAction {
  return `on_${action}`;
}

/** Subscriber types of a Beckn network: application platform, provider platform, gateway. */
export type SubscriberType = 'BAP' | 'BPP' | 'BG';
