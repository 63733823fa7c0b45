/**
 * The parts of Beckn 1.1 messages this domain uses, as the codec writes and reads them. All is optional on
 * reading: the schema has the say on what is required, the readers on what is needed.
 */
export interface WireScalar {
  type: 'CONSTANT';
  unit: string;
  value: string;
}

export interface WireQuantity {
  selected?: { measure: WireScalar };
  available?: { measure: WireScalar };
  minimum?: { measure: WireScalar };
  maximum?: { measure: WireScalar };
  unitized?: { measure: WireScalar };
}

export interface WireTime {
  label?: string;
  timestamp?: string;
  duration?: string;
  range?: { start: string; end: string };
}

export interface WireDescriptor {
  name?: string;
  code?: string;
  short_desc?: string;
}

export interface WireTag {
  descriptor: { code: string };
  value: string;
}

export interface WireTagGroup {
  descriptor: { code: string };
  display?: boolean;
  list: WireTag[];
}

export interface WirePrice {
  currency: string;
  value: string;
}

export interface WireLocation {
  id?: string;
  descriptor?: WireDescriptor;
  circle?: { gps: string; radius: { type: 'CONSTANT'; value: string; unit: string } };
}

export interface WireStop {
  id?: string;
  type?: string;
  time?: WireTime;
  location?: WireLocation;
}

export interface WireFulfillment {
  id?: string;
  type?: string;
  state?: { descriptor: { code: string }; updated_at?: string };
  stops?: WireStop[];
  tags?: WireTagGroup[];
}

export interface WireItem {
  id?: string;
  descriptor?: WireDescriptor;
  category_ids?: string[];
  fulfillment_ids?: string[];
  location_ids?: string[];
  payment_ids?: string[];
  price?: WirePrice;
  quantity?: WireQuantity;
  time?: WireTime;
  tags?: WireTagGroup[];
}

export interface WirePayment {
  id?: string;
  collected_by?: string;
  type?: string;
  status?: string;
  params?: { amount: string; currency: string };
}

export interface WireQuote {
  id?: string;
  price?: WirePrice;
  breakup?: { title?: string; item?: WireItem; price?: WirePrice }[];
  ttl?: string;
}

export interface WireOrder {
  id?: string;
  status?: string;
  provider?: { id?: string; descriptor?: WireDescriptor };
  items?: WireItem[];
  fulfillments?: WireFulfillment[];
  quote?: WireQuote;
  payments?: WirePayment[];
  cancellation_terms?: {
    fulfillment_state: { descriptor: { code: string } };
    reason_required: boolean;
    cancellation_fee: { percentage: string };
  }[];
  cancellation?: {
    time?: string;
    cancelled_by?: string;
    reason?: { id?: string; descriptor?: WireDescriptor };
  };
  tags?: WireTagGroup[];
  created_at?: string;
  updated_at?: string;
}

export interface WireProvider {
  id?: string;
  descriptor?: WireDescriptor;
  categories?: { id: string; descriptor: WireDescriptor }[];
  locations?: WireLocation[];
  fulfillments?: WireFulfillment[];
  payments?: WirePayment[];
  items?: WireItem[];
}

export interface WireCatalog {
  descriptor?: WireDescriptor;
  providers?: WireProvider[];
}

export interface WireIntent {
  descriptor?: WireDescriptor;
  category?: { descriptor: WireDescriptor };
  item?: WireItem;
  fulfillment?: WireFulfillment;
  payment?: WirePayment;
  tags?: WireTagGroup[];
}
