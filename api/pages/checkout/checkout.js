// Wires the page: a cart and a postcode become a quote, a chosen option becomes an order.

import * as api from './api.js';
import { drawCart, orderedLines } from './cart.js';
import { fill, find, h, say, tell } from './dom.js';
import { drawMap } from './map.js';
import { drawFacts, drawNear, drawOptions, keepChoice, obstacle, routeOf, tick } from './options.js';
import { drawPlaced, drawReasons } from './placed.js';
import { arrival, countryName, isUnknownPostcode, money, plural, price, refusal, titleOf } from './words.js';

const PAUSE_MS = 250; // of typing and stepping, before the service is asked
const TRIES = 3; // of a quote that the service ran out of time for
const TRY_AGAIN_MS = 700;
const BACKUP_LIFE_MS = 10_000; // of a quote by a plain rule, before a better one is looked for
const NODES_ASKED = 100; // the most that one call of availability takes
const GRACE_MS = 300_000; // later than shown, of what starts at once
const VISIT = 'sourcewise.visit';

const state = {
  shop: null,
  nodes: new Map(),
  names: new Map(),
  cart: new Map(), // sku -> quantity
  postcode: '',
  quote: null,
  near: null,
  choice: null,
  skew: 0, // of the service's clock against ours, ms
  asking: null, // AbortController
  placing: false,
  get lines() {
    return orderedLines(this.cart);
  },
};

/** What the drawing modules look at. */
const view = () => ({
  ...state,
  cart: state.lines,
  now: () => Date.now() + state.skew,
  tz: zoneOf,
  nameOf: (sku) => state.names.get(sku) ?? sku,
});

/** Where an option arrives: the time zone of its place, else of the node nearest to the customer. */
function zoneOf(option) {
  const place = option.place && state.nodes.get(option.place);
  if (place) return place.tz;
  const { near } = state;
  if (near?.stores.length) return near.stores[0].tz;
  if (!near) return state.shop.nodes[0].tz;
  const far = (node) => Math.hypot(node.lat - near.lat, (node.lon - near.lon) * Math.cos((near.lat * Math.PI) / 180));
  return state.shop.nodes.reduce((best, node) => (far(node) < far(best) ? node : best)).tz;
}

// --- drawing

function draw() {
  const now = view();
  const goods = state.lines.reduce((sum, line) => sum + line.quantity * priceOf(line.sku), 0);
  drawMap(find('map'), now);
  drawFacts(now);
  drawNear(now);
  const { choice, shop } = state;
  find('counter').hidden = !choice;
  const rows = [['Articles', money(goods, shop.currency)]];
  if (choice) {
    const when = arrival(choice, zoneOf(choice), now.now());
    rows.push(['Delivery', price(choice.price_cents, shop.currency)]);
    rows.push(['Total', money(goods + choice.price_cents, shop.currency)]);
    rows.push([choice.place ? 'Collect' : 'Arrives', `${when.day}, ${when.time}`]);
  }
  fill(find('sums'), rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', { class: name === 'Total' ? 'total' : null }, value)]));
  fill(find('route'), choice ? routeOf(now, choice) : '');
  const order = find('order');
  const missing = missingWords();
  order.setAttribute('aria-disabled', String(Boolean(missing) || state.placing));
  fill(order, state.placing ? 'Placing your order…' : 'Place order');
  fill(find('order-note'), missing || 'A demo: nobody is charged, nothing is sent.');
}

function missingWords() {
  if (!state.lines.length) return 'Your cart is empty.';
  if (!state.postcode) return 'Enter a postcode first.';
  if (state.asking) return 'Looking for options…';
  return state.choice ? '' : 'There is no option to order by.';
}

const priceOf = (sku) => state.shop.products.find((product) => product.sku === sku)?.price_cents ?? 0;

function drawLines() {
  drawCart(state.shop, state.cart, {
    changed: (sku, quantity) => {
      state.cart.set(sku, quantity);
      tell(find('cart-problem'));
      drawLines();
      ask();
    },
    wrong: (text) => {
      tell(find('cart-problem'), text);
      say(text);
    },
  });
  for (const chip of find('carts').querySelectorAll('button')) {
    const lines = JSON.parse(chip.dataset.lines);
    const same = lines.length === state.lines.length && lines.every((line) => state.cart.get(line.sku) === line.quantity);
    chip.setAttribute('aria-pressed', String(same));
  }
}

function choose(option) {
  state.choice = option;
  tell(find('order-problem'));
  draw();
}

// --- asking

let timer = 0;

/** Ask for options soon; whatever is on its way is no longer of interest. */
function ask(pause = PAUSE_MS) {
  clearTimeout(timer);
  state.asking?.abort();
  state.asking = null;
  tell(find('where-problem'));
  tell(find('options-problem'));
  tell(find('order-problem'));
  find('postcode').removeAttribute('aria-invalid');
  if (!state.lines.length || !state.postcode) {
    state.quote = state.choice = null;
    if (!state.postcode) state.near = null;
    drawNoOptions(state.lines.length ? 'Enter a postcode, and you will see how and when your order can reach you.' : 'Your cart is empty: add at least one article to see how it can reach you.');
    return;
  }
  state.asking = new AbortController();
  find('options').setAttribute('aria-busy', 'true');
  draw();
  timer = setTimeout(load, pause, 1);
}

async function load(tries) {
  const asking = state.asking;
  const { country } = state.shop;
  const { lines, postcode } = state;
  try {
    const [quote, near] = await Promise.all([
      api.quote({ lines, destination: { country, postcode } }, asking.signal),
      api.near(lines, country, postcode, asking.signal),
    ]);
    if (asking !== state.asking) return;
    if (quote.located === 'prefix') throw new api.UnknownPostcode();
    if (quote.fallback && !quote.options.length) {
      if (tries === TRIES) throw new api.Refused(503, null);
      timer = setTimeout(load, TRY_AGAIN_MS, tries + 1);
      return;
    }
    state.asking = null;
    state.quote = quote;
    state.near = near;
    state.skew = Date.parse(quote.at) - Date.now();
    state.choice = keepChoice(quote.options, state.choice);
    if (quote.options.length) drawQuote();
    else drawNoOptions('No store or warehouse can bring all of this to you. Order fewer of something, or leave an article out.');
  } catch (error) {
    if (error.name === 'AbortError' || asking !== state.asking) return;
    asking.abort();
    state.asking = null;
    state.quote = state.choice = state.near = null;
    drawNoOptions(isUnknownPostcode(error) ? 'You will see your options here as soon as we know where to.' : '');
    refuse(error);
  }
}

function refuse(error) {
  const text = refusal(error, { postcode: state.postcode, country: state.shop.country });
  if (isUnknownPostcode(error)) {
    find('postcode').setAttribute('aria-invalid', 'true');
    tell(find('where-problem'), text);
    return;
  }
  const again = error.retryable ? h('button', { type: 'button', class: 'quiet', onclick: () => ask(0) }, 'Try again') : null;
  tell(find('options-problem'), h('p', {}, text), again);
}

function drawQuote() {
  const { quote } = state;
  find('options').setAttribute('aria-busy', 'false');
  fill(find('hint'), '');
  drawOptions(view(), { chosen: choose });
  fill(find('valid'), plural(quote.options.length, 'option'));
  draw();
  const when = arrival(state.choice, zoneOf(state.choice), view().now());
  say(`${plural(quote.options.length, 'option')}. Chosen: ${titleOf(state.choice)}, ${when.day} ${when.time}, ${price(state.choice.price_cents, quote.currency)}.`);
}

function drawNoOptions(text) {
  const box = find('options');
  box.setAttribute('aria-busy', 'false');
  fill(box, box.querySelector('legend'));
  fill(find('hint'), text);
  fill(find('valid'), '');
  draw();
  if (text) say(text);
}

// --- ordering

/** A name of this visit's order: a double click, a retry and a reload all mean the same one, until it is placed. */
function visit() {
  const kept = sessionStorage.getItem(VISIT) ?? crypto.randomUUID().slice(0, 18);
  sessionStorage.setItem(VISIT, kept);
  return kept;
}

async function order() {
  if (missingWords() || state.placing) {
    find('order-note').classList.add('nudge');
    say(missingWords());
    return;
  }
  state.placing = true;
  tell(find('order-problem'));
  draw();
  const { choice: option, lines, postcode, shop } = state;
  try {
    const body = { order_id: `web-${visit()}`, lines, destination: { country: shop.country, postcode }, confirm: true };
    const skus = lines.map((line) => line.sku);
    const holders = shop.nodes.filter((node) => node.kind !== 'pickup_point').map((node) => node.node);
    const likely = new Set([...option.parcels.map((parcel) => parcel.node), ...holders]);
    const stock = await api.stock(skus, [...likely].slice(0, NODES_ASKED)); // before it moves
    const { allocation, before } = await allocate(body, option);
    if (allocation.status === 'allocated') {
      await show(option, allocation, stock, before);
      return;
    }
    const change = allocation.quote?.changes[0];
    state.placing = false;
    ask(0);
    tell(find('order-problem'), `That option can no longer be kept, somebody was faster${change ? `: ${obstacle(state, change)}` : ''}. Choose again from what is left.`);
  } catch (error) {
    tell(find('order-problem'), h('p', {}, refusal(error, { postcode, country: shop.country })), error.retryable ? h('p', { class: 'small' }, 'You can press “Place order” again: it is one order, however often you do.') : null);
  } finally {
    state.placing = false;
    draw();
  }
}

/**
 * Allocate an order as an option promises it.
 *
 * What starts at once is later by every second that somebody looks at it: where nothing but that stands in the way, the
 * same way is asked for again with a few minutes of grace, and the page says so. An answer that was lost on its way is
 * found again; then `before` is true.
 */
async function allocate(order, option) {
  const send = async (body) => api.allocate(body, await api.digest(body));
  try {
    const named = option.option_id ? { option_id: option.option_id } : option.send; // a backup has no plan to keep
    const allocation = await send({ ...order, ...named });
    const changes = allocation.quote?.changes ?? [];
    if (allocation.status === 'allocated' || !changes.length || changes.some((change) => change.code !== 'too_late')) {
      return { allocation, before: false };
    }
    const later = new Date(Date.parse(option.deliver_by) + GRACE_MS).toISOString();
    return { allocation: await send({ ...order, ...option.send, deliver_by: later }), before: false };
  } catch (error) {
    const known = error.problem?.details?.decision_id;
    if (error.status !== 409 || !known) throw error;
    return { allocation: (await api.decision(known)).answer, before: true };
  }
}

async function show(option, allocation, stock, before) {
  const parts = allocation.shipments.flatMap((one) => one.lines.map((line) => ({ node: one.node, sku: line.sku })));
  const after = await api.stock([...new Set(parts.map((part) => part.sku))], [...new Set(parts.map((part) => part.node))]);
  const moved = parts.map(({ node, sku }) => ({ node, sku, before: stock.get(`${node} ${sku}`) ?? 0, after: after.get(`${node} ${sku}`) ?? 0 }));
  sessionStorage.removeItem(VISIT);
  drawPlaced(view(), { option, allocation, moved, before }, { again });
  find('shop').classList.add('done');
  find('placed').hidden = false;
  scrollTo({ top: 0 });
  find('placed-title').focus({ preventScroll: true });
  const seen = view();
  const found = await api.explanation(allocation.decision_id).catch((error) => error);
  drawReasons(seen, allocation, found);
}

function again() {
  find('placed').hidden = true;
  find('shop').classList.remove('done');
  fill(find('placed'));
  scrollTo({ top: 0 });
  ask(0);
  find('carts').querySelector('button')?.focus({ preventScroll: true });
}

// --- the beginning

function chips(box, rows) {
  fill(box, box.querySelector('legend'), rows.map(([name, press, data]) => h('button', { type: 'button', class: 'chip', onclick: press, 'data-lines': data ?? null }, name)));
}

function takePostcode(text) {
  const postcode = text.trim();
  if (postcode === state.postcode) return;
  state.postcode = postcode;
  for (const chip of find('places').querySelectorAll('button')) chip.setAttribute('aria-pressed', String(chip.textContent.endsWith(postcode) && postcode !== ''));
  ask();
}

function drawCalls(calls) {
  const shown = (value) => (value && typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value ?? ''));
  fill(
    find('calls'),
    calls.map((call) =>
      h('li', {}, h('details', {}, h('summary', {}, h('code', {}, `${call.method} ${call.path}`), h('span', { class: 'soft' }, ` ${call.status || 'no answer'}`)), call.body ? h('pre', { tabindex: '0' }, `${Object.entries(call.headers).map(([name, value]) => `${name}: ${value}\n`).join('')}${shown(call.body)}`) : null, h('pre', { tabindex: '0' }, shown(call.answer)))),
    ),
  );
}

async function start() {
  try {
    state.shop = await api.shop();
  } catch (error) {
    tell(find('options-problem'), refusal(error));
    return;
  }
  const { shop } = state;
  api.watch(drawCalls);
  state.nodes = new Map(shop.nodes.map((node) => [node.node, node]));
  state.names = new Map(shop.products.map((product) => [product.sku, product.name]));
  fill(find('country'), `in ${countryName(shop.country)}`);
  const input = find('postcode');
  const put = (lines) => {
    state.cart = new Map(lines.map((line) => [line.sku, line.quantity]));
    tell(find('cart-problem'));
    drawLines();
    ask(0);
  };
  chips(find('carts'), shop.carts.map((cart) => [cart.name, () => put(cart.lines), JSON.stringify(cart.lines)]));
  chips(find('places'), shop.places.map((place) => [`${place.name} ${place.postcode}`, () => {
    input.value = place.postcode;
    takePostcode(place.postcode);
  }]));
  input.addEventListener('input', () => {
    if (input.value.trim().length >= 5 || !input.value.trim()) takePostcode(input.value);
  });
  input.addEventListener('change', () => takePostcode(input.value));
  find('where').addEventListener('submit', (event) => {
    event.preventDefault();
    takePostcode(input.value);
    if (!state.postcode) tell(find('where-problem'), 'Enter a postcode first.');
  });
  find('more').addEventListener('change', (event) => {
    if (!event.target.value) return;
    const sku = event.target.value;
    state.cart.set(sku, 1);
    drawLines();
    ask();
    find('lines').querySelector(`#quantity-${CSS.escape(sku)}`).focus();
  });
  find('order').addEventListener('click', order);
  find('counter').open = matchMedia('(min-width: 60rem)').matches;
  put(shop.carts[0]?.lines ?? []);
  setInterval(() => {
    const { quote } = state;
    if (!quote || state.asking || state.placing || document.hidden || !find('placed').hidden) return;
    const end = quote.fallback ? Date.parse(quote.at) + BACKUP_LIFE_MS : Date.parse(quote.expires_at);
    if (tick(view()) || view().now() > end) ask(0);
  }, 1000);
}

start();
