// The cart: ready ones to try, lines with steppers, more articles.

import { fill, find, h, icon, say } from './dom.js';
import { grams, money } from './words.js';

export const QUANTITY_MAX = 99;

/** What a typed quantity is: a whole number from 0 on, or null where it is none that can be ordered. */
export function quantityOf(text) {
  if (!/^\d{1,4}$/.test(text.trim())) return null;
  const value = Number(text);
  return value <= QUANTITY_MAX ? value : null;
}

/** The lines that are ordered, as the API takes them. */
export const orderedLines = (cart) =>
  [...cart].filter(([, quantity]) => quantity > 0).map(([sku, quantity], i) => ({ line_id: String(i + 1), sku, quantity }));

/** Draw the cart; `changed(sku, quantity)` is told of every change that can be ordered, `wrong(text)` of others. */
export function drawCart(shop, cart, { changed, wrong }) {
  const bySku = new Map(shop.products.map((product) => [product.sku, product]));
  fill(find('lines'), [...cart].map(([sku, quantity]) => line(bySku.get(sku), quantity, shop.currency, { changed, wrong })));
  const others = shop.products.filter((product) => !cart.has(product.sku));
  const more = find('more');
  fill(more, h('option', { value: '' }, 'Choose…'), others.map((one) => h('option', { value: one.sku }, `${one.name}, ${money(one.price_cents, shop.currency)}`)));
  more.disabled = others.length === 0;
}

function line(product, quantity, currency, { changed, wrong }) {
  const id = `quantity-${product.sku}`;
  const input = h('input', {
    id,
    class: 'quantity',
    inputmode: 'numeric',
    autocomplete: 'off',
    value: quantity,
    'aria-label': `Quantity of ${product.name}`,
    onchange: () => {
      const value = quantityOf(input.value);
      if (value === null) {
        wrong(`“${input.value.trim()}” is no quantity of ${product.name}: order 1 to ${QUANTITY_MAX}, or 0 to leave it out.`);
        input.setAttribute('aria-invalid', 'true');
      } else changed(product.sku, value);
    },
  });
  const step = (by, name, sign) =>
    h('button', {
      type: 'button',
      class: 'stepper',
      'data-step': by,
      'aria-label': `${name} of ${product.name}`,
      'aria-disabled': quantity + by < 0 || quantity + by > QUANTITY_MAX ? 'true' : null,
      onclick: () => {
        const value = quantity + by;
        if (value < 0 || value > QUANTITY_MAX) return;
        changed(product.sku, value);
        say(value ? `${value} × ${product.name}` : `${product.name} is left out.`);
        find('lines').querySelector(`#${CSS.escape(id)}`)?.parentElement.querySelector(`[data-step="${by}"]`)?.focus();
      },
    }, sign);
  return h(
    'li',
    { class: quantity ? 'line' : 'line none', 'data-sku': product.sku },
    h('span', { class: 'picture' }, icon(product.icon)),
    h(
      'span',
      { class: 'article' },
      h('span', { class: 'name' }, product.name),
      h('span', { class: 'soft small' }, quantity ? `${money(product.price_cents, currency)} each · ${grams(product.weight_g)}` : 'Not in your order'),
    ),
    h('span', { class: 'steppers' }, step(-1, 'One less', '−'), input, step(1, 'One more', '+')),
    h('span', { class: 'amount' }, money(product.price_cents * quantity, currency)),
  );
}
