/**
 * Pseudonymous MSIDs in the shape of an MPAN core: 13 digits, the last a modulus-11 check digit.
 * Distributor id 99 belongs to no licence area, so none of them is a meter that exists.
 */
const DISTRIBUTOR = '99';
const WEIGHTS = [3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43];

export function checkDigit(first12: string): number {
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(first12[i]), 0);
  return (sum % 11) % 10;
}

/** `serial` is unique within the network, below 10^10. */
export function pseudonymousMsid(serial: number): string {
  const first12 = DISTRIBUTOR + String(serial).padStart(10, '0');
  return first12 + checkDigit(first12);
}
