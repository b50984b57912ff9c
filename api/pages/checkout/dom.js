// Making and finding elements. Text always goes in as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

export const find = (id) => document.getElementById(id);

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false && child !== ''));
  return element;
}

/** An element of HTML: its name, attributes (`onclick` and the like are listeners), children. */
export const h = (name, attributes, ...children) => made(document.createElement(name), attributes, children);

/** An element of SVG. */
export const s = (name, attributes, ...children) => made(document.createElementNS(SVG, name), attributes, children);

/** An icon out of the sprite; decoration only. */
export const icon = (name) =>
  s('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, s('use', { href: `checkout/icons.svg#${name}` }));

/** Put children in place of what is there. */
export const fill = (element, ...children) =>
  element.replaceChildren(...children.flat().filter((child) => child != null && child !== false && child !== ''));

/** Show a text, or hide the element where there is none. */
export function tell(element, ...content) {
  fill(element, ...content);
  element.hidden = element.childNodes.length === 0;
}

/** Say something to whoever listens in place of looking. */
export const say = (text) => fill(find('say'), text);
