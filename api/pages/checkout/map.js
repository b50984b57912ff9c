// The map: the country, where its nodes are, and how the chosen option travels. Nothing is fetched for it.

import { fill, s } from './dom.js';
import { list, plural } from './words.js';

/** Where a coordinate lands: Albers' equal-area conic projection with the constants that the service gives. */
export function project({ n, c, rho_0, centre_lon, scale, left, top }, lon, lat) {
  const rad = Math.PI / 180;
  const theta = n * rad * (lon - centre_lon);
  const rho = Math.sqrt(Math.max(0, c - 2 * n * Math.sin(rad * lat))) / n;
  return [left + scale * rho * Math.sin(theta), top - scale * (rho_0 - rho * Math.cos(theta))];
}

/** Draw it anew: the customer where they are known, the parcels of the option where one is chosen. */
export function drawMap(box, { shop, nodes, near, choice }) {
  const { map } = shop;
  const home = near ? project(map.projection, near.lon, near.lat) : null;
  const place = choice?.place ? nodes.get(choice.place) : null;
  const end = place ? [place.x, place.y] : home;
  const sources = [...new Set((choice?.parcels ?? []).map((parcel) => parcel.node))].map((id) => nodes.get(id)).filter(Boolean);
  const busy = new Set([...sources.map((node) => node.node), place?.node]);
  const drawing = s(
    'svg',
    { viewBox: `0 0 ${map.width} ${map.height}`, role: 'img', 'aria-label': labelOf(sources, place, home) },
    map.outline ? s('path', { class: 'land', d: map.outline }) : null,
    shop.nodes.filter((node) => !busy.has(node.node)).map((node) => mark(node, node.kind === 'warehouse' ? 4.5 : 2.6, 'idle')),
    end ? sources.map((node) => way([node.x, node.y], end, 'way')) : null,
    place && home ? way([place.x, place.y], home, 'walk') : null,
    [...sources, ...(place && !sources.includes(place) ? [place] : [])].map((node) => mark(node, node.kind === 'warehouse' ? 9 : 7.5, 'busy')),
    home ? pin(home) : null,
    labels(map, [...sources, ...(place ? [place] : [])], home),
  );
  fill(box, drawing);
}

function labelOf(sources, place, home) {
  if (!sources.length) return home ? 'Map: the network, and where you are.' : 'Map: the network of stores and warehouses.';
  const from = list(sources.map((node) => node.name));
  return `Map: ${plural(sources.length, 'way')} from ${from} to ${place ? place.name : 'you'}.`;
}

function mark(node, r, state) {
  const title = s('title', {}, node.name);
  const { x, y } = node;
  if (node.kind === 'warehouse') return s('rect', { class: `node ${state}`, x: x - r, y: y - r, width: 2 * r, height: 2 * r, rx: 2 }, title);
  return s('circle', { class: `node ${state}`, cx: x, cy: y, r }, title);
}

function way([x0, y0], [x1, y1], name) {
  if (Math.hypot(x1 - x0, y1 - y0) < 3) return null;
  const bend = 0.16;
  const [cx, cy] = [(x0 + x1) / 2 - bend * (y1 - y0), (y0 + y1) / 2 + bend * (x1 - x0)];
  return s('path', { class: name, d: `M${x0} ${y0}Q${cx} ${cy} ${x1} ${y1}` });
}

const pin = ([x, y]) =>
  s('g', { class: 'pin', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, s('path', { d: 'M0 0c-5-9-13-14-13-24a13 13 0 0 1 26 0c0 10-8 15-13 24z' }), s('circle', { cx: 0, cy: -24, r: 5 }));

/** Names of what takes part, each once, on the side with more room; one that would hide another goes. */
function labels(map, nodes, home) {
  const taken = home ? [home] : [];
  const out = [];
  for (const node of new Set(nodes)) {
    const close = home && Math.hypot(node.x - home[0], node.y - home[1]) < 30;
    const y = node.y + (close ? 26 : 6);
    if (taken.slice(home ? 1 : 0).some(([, other]) => Math.abs(other - y) < 24 && Math.abs(node.x - taken[0][0]) < 60)) continue;
    const onLeft = node.x > map.width * 0.72;
    out.push(s('text', { class: 'label', x: node.x + (onLeft ? -14 : 14), y, 'text-anchor': onLeft ? 'end' : 'start' }, node.town));
    taken.push([node.x, y]);
  }
  return out;
}
