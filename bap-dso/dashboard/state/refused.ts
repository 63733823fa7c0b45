/** Why signing in with an account from elsewhere did not work, in words; the address carries the code alone. */
const WORDS: Readonly<Record<string, string>> = {
  OIDC_UNREACHABLE: 'The sign-in service does not answer. Try again in a minute, or sign in with a token.',
  OIDC_STATE:
    'That sign-in was begun by another browser, answered already, or took longer than ten minutes. Begin again.',
  OIDC_DENIED: 'The sign-in service did not let you in. Ask whoever runs it.',
  OIDC_TOKEN:
    'What the sign-in service said could not be trusted, and nobody was signed in. Tell whoever runs the DSO.',
  OIDC_ROLE: 'Your account has no role here. Ask whoever runs the DSO for viewer, operator or admin.',
  OIDC_NAME: 'Your account has no name that can be used here. Tell whoever runs the DSO.',
};

/** Undefined for what is no such code: nothing from an address is shown. */
export const refusalText = (code: string | null): string | undefined =>
  code !== null && Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
