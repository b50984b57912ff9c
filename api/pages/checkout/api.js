// The service's own API, as any shop calls it. Paths are relative to this file, so that a proxy may put it below a folder.

const V1 = new URL('../../v1/', import.meta.url);
const CALLS_KEPT = 12;
const calls = [];
let watcher = () => {};

/** What the service refused, or that it could not be reached: `problem` is its problem document, or null. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? 'The service cannot be reached.');
    this.status = status;
    this.problem = problem;
  }

  /** Whether the same call may succeed later. */
  get retryable() {
    return this.problem ? this.problem.retryable : true;
  }
}

/** A quote goes by the beginning of a postcode where the whole is unknown, which an order does not. */
export class UnknownPostcode extends Error {
  name = 'UnknownPostcode';
}

/** Be told of every call. */
export function watch(told) {
  watcher = told;
}

async function call(method, path, { body, query, headers = {}, signal, accept = 'application/json', quiet = false } = {}) {
  const url = new URL(path, V1);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [].concat(value)) url.searchParams.append(name, one);
  }
  const noted = { method, path: url.pathname + url.search, headers, body, status: 0, answer: null };
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: { accept, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
    });
    noted.status = response.status;
    noted.answer = (response.headers.get('content-type') ?? '').includes('json') ? await response.json() : await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, null);
  } finally {
    if (!quiet && !signal?.aborted) {
      calls.unshift(noted);
      calls.length = Math.min(calls.length, CALLS_KEPT);
      watcher(calls);
    }
  }
  if (!response.ok) throw new Refused(response.status, typeof noted.answer === 'object' ? noted.answer : null);
  return noted.answer;
}

/** What can be offered for a cart. */
export const quote = (body, signal) => call('POST', 'quotes', { body, signal });

/** Stores near a postcode that have the cart. */
export const near = (lines, country, postcode, signal) =>
  call('GET', 'availability/near', {
    query: { country, postcode, limit: 3, sku: lines.map((line) => line.sku), quantity: lines.map((line) => line.quantity) },
    signal,
  });

/** Units that can be promised, as a Map from "node sku" to them. */
export async function stock(skus, nodes) {
  const answer = await call('GET', 'availability', { query: { sku: skus, node: nodes }, quiet: true });
  return new Map(answer.availability.map((row) => [`${row.node} ${row.sku}`, row.atf]));
}

/** Decide the order and hold what it takes; with the same key it is done once, however often it is asked. */
export const allocate = (body, key) => call('POST', 'allocations', { body, headers: { 'idempotency-key': `"${key}"` } });

/** A decision as it was taken. */
export const decision = (decisionId) => call('GET', `decisions/${encodeURIComponent(decisionId)}`);

/** Why it was decided so. */
export const explanation = (decisionId) =>
  call('GET', `decisions/${encodeURIComponent(decisionId)}/explanation`, { query: { counterfactuals: false } });

/** The same with what would have changed it, as text for people. */
export const explanationText = (decisionId) =>
  call('GET', `decisions/${encodeURIComponent(decisionId)}/explanation`, { accept: 'text/plain', quiet: true });

/** The page's own data: articles, carts, places, the map. */
export async function shop() {
  const response = await fetch(new URL('data.json', import.meta.url));
  if (!response.ok) throw new Refused(response.status, null);
  return response.json();
}

/** A name for a document: the same for the same content. */
export async function digest(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('').slice(0, 40);
}
