// What became of the order: was the promise kept, what goes from where, how stock moved, and why.

import { explanationText } from './api.js';
import { fill, find, h, icon } from './dom.js';
import { drawMap } from './map.js';
import { obstacle, townOf } from './options.js';
import { clock, dayInside, list, metres, money, plural, refusal, signed } from './words.js';

const REASONS_SHOWN = 3;

/** When the chosen option promised the order. */
const promisedAt = (option, allocation) => new Date(allocation.quote?.deliver_by ?? option.deliver_by);

/** Draw what is known at once; reasons come in later by `drawReasons`. */
export function drawPlaced(view, placed, { again }) {
  const { option, allocation, moved, before } = placed;
  const zone = view.tz(option);
  const at = new Date(allocation.deliver_by);
  const promised = promisedAt(option, allocation);
  const kept = at <= promised;
  const map = h('div', { class: 'map' });
  drawMap(map, { ...view, choice: { place: allocation.shipments[0].place, parcels: allocation.shipments } });
  const place = allocation.shipments[0].place;
  const name = view.nodes.get(place)?.name ?? place;
  const told = (moment) => `${dayInside(moment, zone, view.now())}, ${clock(moment, zone)}`;
  const there = place ? `ready at ${name} ${told(at)}` : `at your door by ${told(at)}`;
  fill(
    find('placed'),
    h(
      'div',
      { class: 'card hero' },
      h('span', { class: `seal ${kept ? 'kept' : 'late'}` }, icon(kept ? 'check' : 'watch')),
      h('h1', { id: 'placed-title', tabindex: '-1' }, 'Thank you, your order is placed'),
      h(
        'p',
        { class: 'promise', 'data-kept': String(kept) },
        h('strong', {}, kept ? 'Promise kept: ' : 'Later than shown: '),
        kept ? `${there}, ${byWhat(view, allocation)}` : `${there}; the option said ${told(promised)}.`,
      ),
      h('p', { class: 'soft' }, `Order ${allocation.order_id}${before ? ', which had been placed already; it was not placed again' : ''}`),
      h('button', { type: 'button', class: 'quiet', id: 'again', onclick: again }, 'Start a new order'),
    ),
    h('div', { class: 'card' }, h('h2', {}, allocation.shipments.length === 1 ? 'One shipment' : `${allocation.shipments.length} shipments`), map, h('ul', { class: 'plain shipments' }, allocation.shipments.map((one) => shipment(view, one, zone)))),
    h('div', { class: 'card' }, h('h2', {}, 'Stock moved'), h('p', { class: 'soft small' }, 'Units that can still be promised, before your order and after it.'), h('ul', { class: 'plain moves' }, moved.map((one) => move(view, one)))),
    h('div', { class: 'card wide', id: 'reasons', 'aria-busy': 'true' }, h('h2', {}, 'Why this way'), h('p', { class: 'soft' }, 'Looking at every other node…')),
  );
}

/** How it is kept: by the plan that was shown, or by another and why. */
function byWhat(view, { quote }) {
  if (quote?.outcome === 'kept' && quote.changes.length) return `by another way than the one shown: ${obstacle(view, quote.changes[0])}.`;
  return 'no later than the option you chose.';
}

function shipment(view, one, zone) {
  const at = new Date(one.deliver_by);
  const lines = list(one.lines.map((line) => `${line.quantity} × ${view.nameOf(line.sku)}`));
  const from = view.nodes.get(one.node)?.name ?? one.node;
  const how = `${view.shop.methods[one.method] ?? one.method}${one.service ? `, ${view.shop.services[one.service] ?? one.service}` : ''}`;
  return h('li', {}, h('strong', {}, lines), h('span', {}, `from ${from}${one.place && one.place !== one.node ? ` to ${view.nodes.get(one.place)?.name ?? one.place}` : ''}`), h('span', { class: 'soft' }, `${how}; ${dayInside(at, zone, view.now())} ${clock(at, zone)}; ${money(one.cost_cents, view.quote.currency)} to the retailer`));
}

function move(view, { node, sku, before, after }) {
  const most = Math.max(before, after, 1);
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const bar = h('meter', { min: 0, max: most, value: still ? after : before, 'aria-hidden': 'true' });
  if (!still) requestAnimationFrame(() => requestAnimationFrame(() => { bar.value = after; }));
  return h(
    'li',
    { 'data-node': node, 'data-sku': sku, 'data-before': before, 'data-after': after },
    h('span', {}, `${view.nameOf(sku)}, ${townOf(view.nodes, node)}`),
    bar,
    h('span', { class: 'count' }, h('span', { class: 'hidden' }, `before ${before}, after ${after}`), h('span', { 'aria-hidden': 'true' }, `${before} → ${after}`)),
  );
}

/** Draw the reasons, or say why there are none. */
export function drawReasons(view, allocation, found) {
  const box = find('reasons');
  if (!box) return;
  box.setAttribute('aria-busy', 'false');
  const title = h('h2', {}, 'Why this way');
  if (found instanceof Error) {
    fill(box, title, h('p', { class: 'problem' }, refusal(found)));
    return;
  }
  const { decision, explanation } = found;
  const currency = decision.currency;
  const proven = decision.status === 'optimal';
  fill(
    box,
    title,
    h('p', {}, `It costs the retailer ${money(decision.cost_cents, currency)}. `, proven ? 'No plan that keeps what you chose is cheaper: that is proven.' : 'It is the best plan found in time.'),
    decision.shipments.map((one, i) => reasonsOf(view, one, explanation.shipments[i], currency)),
    decision.terms.length ? h('div', { class: 'columns' }, h('div', {}, h('h3', {}, 'Of the whole order'), terms(view, decision.terms, currency))) : null,
    whole(allocation.decision_id),
  );
}

function terms(view, rows, currency) {
  return h('table', {}, h('tbody', {}, rows.map((term) => h('tr', {}, h('th', { scope: 'row' }, view.shop.rules[term.rule] ?? term.rule, h('span', { class: 'soft small' }, term.because)), h('td', {}, money(term.amount_cents, currency))))));
}

function reasonsOf(view, shipped, why, currency) {
  const name = view.nodes.get(shipped.node)?.name ?? shipped.node;
  const nodes = why?.nodes ?? [];
  const could = nodes.filter((one) => !one.code).sort((a, b) => a.extra_cents - b.extra_cents);
  const not = new Map();
  for (const one of nodes.filter((row) => row.code)) not.set(one.code, (not.get(one.code) ?? 0) + 1);
  const rivals = could.slice(0, REASONS_SHOWN).map((one) => h('li', {}, h('strong', {}, `${townOf(view.nodes, one.node)} ${signed(one.extra_cents, currency)}`), ` ${difference(view, one, currency)}`));
  const barred = [...not].sort((a, b) => b[1] - a[1]).map(([code, count]) => h('li', {}, h('strong', {}, plural(count, 'node')), ` ${view.shop.reasons[code] ?? code}`));
  return h(
    'div',
    { class: 'columns' },
    h('div', {}, h('h3', {}, `${name}: ${money(shipped.cost_cents, currency)}`), terms(view, shipped.terms, currency)),
    h(
      'div',
      {},
      rivals.length ? [h('h3', {}, `Next best of ${plural(could.length, 'other node')} that could`), h('ul', { class: 'plain rivals' }, rivals)] : null,
      barred.length ? [h('h3', {}, 'Could not'), h('ul', { class: 'plain rivals' }, barred)] : null,
    ),
  );
}

function difference(view, one, currency) {
  const rules = Object.entries(one.extra_by_rule ?? {}).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, REASONS_SHOWN);
  const words = rules.map(([rule, cents]) => `${(view.shop.rules[rule] ?? rule).toLowerCase()} ${signed(cents, currency)}`);
  return [metres(one.distance_m), ...words].join(', ');
}

function whole(decisionId) {
  const text = h('pre', { tabindex: '0' }, '…');
  let asked = false;
  const box = h('details', { ontoggle: async () => {
    if (!box.open || asked) return;
    asked = true;
    try {
      fill(text, await explanationText(decisionId));
    } catch (error) {
      asked = false;
      fill(text, refusal(error));
    }
  } }, h('summary', {}, 'Every reason, and what would have changed it'), text);
  return box;
}
