/** Who is who in the sandbox, and where. */
export const DSO_ID = 'dso-1';
export const REGISTRY_ID = 'registry-1';
export const GATEWAY_ID = 'gateway-1';
export const HOST = '127.0.0.1';
export const DOMAIN = 'deg:demand-flexibility';
export const COUNTRY = 'GBR';
export const CITY = 'std:020';
