// The options of a quote as cards, one of which is chosen; and what the retailer sees of the chosen one.

import { fill, find, h, icon } from './dom.js';
import { BADGES, arrival, clock, day, dayInside, grams, left, list, metres, money, price, titleOf } from './words.js';

const KIND_ICONS = { home_delivery: 'door', same_day: 'courier', click_and_collect: 'shop', ship_to_store: 'shop', pickup_point: 'point' };

/** Where a node is, in a word. */
export const townOf = (nodes, node) => nodes.get(node)?.town ?? node;

/** What stands in the way of an option's own plan, in a few words. */
export const obstacle = ({ shop, nodes }, { code, node }) => `${shop.reasons[code] ?? code} in ${townOf(nodes, node)}`;

/** The option to start from: the one chosen before where it is still there, else one of the same kind and place, else the quote's own. */
export function keepChoice(options, before) {
  const same = (test) => before && options.find(test);
  return (
    same((one) => one.option_id === before.option_id) ??
    same((one) => one.kind === before.kind && one.place === before.place && one.deliver_by === before.deliver_by) ??
    options.find((one) => one.selected) ??
    options[0] ??
    null
  );
}

/** Draw the cards; `chosen(option)` is told of a choice. */
export function drawOptions(view, { chosen }) {
  const { quote, choice } = view;
  const box = find('options');
  const legend = box.querySelector('legend');
  fill(box, legend, quote.options.map((option) => card(view, option, option === choice, chosen)));
  tick(view);
}

function card(view, option, checked, chosen) {
  const { tz, now, quote } = view;
  const when = arrival(option, tz(option), now());
  const groups = Map.groupBy(option.parcels, groupOf);
  return h(
    'label',
    { class: 'option', 'data-kind': option.kind },
    h('input', { type: 'radio', name: 'option', value: option.option_id, checked, onchange: () => chosen(option) }),
    h(
      'span',
      { class: 'body' },
      h(
        'span',
        { class: 'row' },
        h('span', { class: 'when' }, h('strong', {}, when.day), h('span', {}, when.time)),
        h('span', { class: 'price' }, price(option.price_cents, quote.currency)),
      ),
      h('span', { class: 'how' }, icon(KIND_ICONS[option.kind] ?? 'door'), h('span', {}, titleOf(option), option.distance_m ? h('span', { class: 'soft' }, `, ${metres(option.distance_m)} away`) : null)),
      h(
        'span',
        { class: 'tags' },
        option.names.map((name) => h('span', { class: `badge ${name}` }, BADGES[name] ?? name)),
        option.co2e_g === null ? null : h('span', { class: 'tag' }, icon('leaf'), `${grams(option.co2e_g)} CO₂e`),
        option.parcels.length ? h('span', { class: 'tag' }, icon('parcel'), parcelsOf(view, option)) : null,
        option.order_by ? h('span', { class: 'tag countdown', 'data-until': option.order_by }) : null,
      ),
      groups.size > 1 ? h('span', { class: 'parts' }, [...groups.values()].map((parcels) => part(view, option, parcels))) : null,
      option.why && !option.names.includes('cheapest') ? h('span', { class: 'why' }, option.why) : null,
    ),
  );
}

/** Parcels of one node that are there at the same time are one thing to wait for. */
const groupOf = (parcel) => `${parcel.node} ${parcel.deliver_by}`;

/** In how many parts it comes: one says from where, of several each says so below. */
function parcelsOf({ nodes }, option) {
  const { parcels, place } = option;
  if (new Set(parcels.map(groupOf)).size > 1) return `in ${new Set(parcels.map(groupOf)).size} parts`;
  return parcels[0].node === place ? 'from its shelf' : `all at once from ${townOf(nodes, parcels[0].node)}`;
}

function part(view, option, parcels) {
  const { tz, now, nodes, cart } = view;
  const [parcel] = parcels;
  const at = new Date(parcel.deliver_by);
  const ids = new Set(parcels.flatMap((one) => one.lines));
  const articles = cart.filter((line) => ids.has(line.line_id));
  const what = list(articles.map((line) => `${line.quantity} × ${view.nameOf(line.sku)}`));
  const from = parcel.node === option.place ? 'from its shelf' : `from ${townOf(nodes, parcel.node)}`;
  const together = option.parcels.every((one) => one.deliver_by === option.deliver_by);
  const when = together ? null : h('strong', {}, `${day(at, tz(option), now())} ${clock(at, tz(option))} `);
  return h('span', { class: 'part' }, when, `${what}, ${from}`);
}

/** Bring every countdown up to date; returns whether one has run out since the quote. */
export function tick(view) {
  let over = false;
  for (const element of document.querySelectorAll('[data-until]')) {
    const ms = Date.parse(element.dataset.until) - view.now();
    const moves = Date.parse(element.dataset.until) <= Date.parse(view.quote.at); // with the clock: every moment counts
    over ||= ms <= 0 && !moves;
    const text = ms > 0 ? `order within ${left(ms)}` : moves ? 'order now' : 'just over';
    if (element.textContent !== text) fill(element, icon('watch'), text);
  }
  return over;
}

/** How the chosen option travels, in a sentence. */
export function routeOf(view, option) {
  const { nodes } = view;
  return option.parcels
    .map((parcel) => {
      const from = nodes.get(parcel.node)?.name ?? parcel.node;
      const how = parcel.service && !option.place ? `by ${(view.shop.services[parcel.service] ?? parcel.service).toLowerCase()}` : '';
      if (parcel.node === option.place) return `Put aside at ${from}.`;
      const to = option.place ? `to ${option.place_name}` : 'to your door';
      return `From ${from} ${to}${how ? ` ${how}` : ''}.`;
    })
    .filter((text, i, all) => all.indexOf(text) === i)
    .join(' ');
}

/** What the retailer sees of the chosen option. */
export function drawFacts(view) {
  const { quote, choice, nodes, shop } = view;
  const facts = [];
  if (choice) {
    const zone = view.tz(choice);
    facts.push(['Customer pays', money(choice.price_cents, quote.currency)]);
    if (choice.cost_cents !== null) {
      const margin = choice.price_cents - choice.cost_cents;
      facts.push(['Costs the retailer', `${money(choice.cost_cents, quote.currency)}, so the shop ${margin < 0 ? 'adds' : 'keeps'} ${money(Math.abs(margin), quote.currency)}`]);
    }
    if (choice.confidence_permille !== null) facts.push(['Kept with', `${(choice.confidence_permille / 10).toFixed(0)} % certainty or more`]);
    for (const parcel of choice.parcels) {
      const method = shop.methods[parcel.method] ?? parcel.method;
      const at = new Date(parcel.ship_by);
      facts.push([townOf(nodes, parcel.node), `${method}${parcel.service ? `, ${shop.services[parcel.service] ?? parcel.service}` : ''}; out by ${dayInside(at, zone, view.now())} ${clock(at, zone)}`]);
    }
    facts.push(['Search', quote.fallback ? 'a plain rule answered, the engine was out of time' : choice.exact ? 'proven: nothing better for this choice' : 'best found in time']);
  }
  fill(find('facts'), facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

/** Stores near the customer that have the cart. */
export function drawNear(view) {
  const { near } = view;
  if (!near || !near.stores.length) return fill(find('near'));
  const rows = near.stores.map((store) => {
    const have = store.skus.filter((sku) => sku.enough).length;
    const all = store.has_all ? 'has it all' : `has ${have} of ${store.skus.length} articles`;
    const ready = store.ready_at ? `, ready ${dayInside(new Date(store.ready_at), store.tz, view.now())} ${clock(new Date(store.ready_at), store.tz)}` : '';
    return h('li', {}, h('strong', {}, townOf(view.nodes, store.node)), ` ${metres(store.distance_m)}: ${all}${ready}`);
  });
  return fill(find('near'), h('h3', {}, 'Stores nearby'), h('ul', { class: 'plain' }, rows));
}
