// Amounts, days and refusals in a shopper's words.

const LANGUAGE = 'en-GB';
const HOME = ['home_delivery', 'same_day'];

export const money = (cents, currency) =>
  new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(cents / 100).replace('-', '−');

/** What a delivery costs the customer. */
export const price = (cents, currency) => (cents ? money(cents, currency) : 'Free');

export const signed = (cents, currency) => `${cents < 0 ? '−' : '+'}${money(Math.abs(cents), currency)}`;

export const grams = (g) => (g < 1000 ? `${g} g` : `${(g / 1000).toFixed(1)} kg`);

/** Postcodes are no addresses: below a kilometre nothing is known. */
export const metres = (m) => (m < 1000 ? 'under 1 km' : `${Math.round(m / 1000)} km`);

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export const list = (parts) => new Intl.ListFormat(LANGUAGE, { type: 'conjunction' }).format(parts);

export const countryName = (code) => new Intl.DisplayNames([LANGUAGE], { type: 'region' }).of(code);

export const isHome = (option) => HOME.includes(option.kind);

const format = (at, tz, options) => new Intl.DateTimeFormat(LANGUAGE, { timeZone: tz, ...options }).format(at);

/** A date as a number of days, on the calendar of a time zone. */
function dayNumber(at, tz) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en', { timeZone: tz, year: 'numeric', month: 'numeric', day: 'numeric' })
      .formatToParts(at)
      .map((part) => [part.type, Number(part.value)]),
  );
  return Date.UTC(parts.year, parts.month - 1, parts.day) / 86_400_000;
}

export const clock = (at, tz) => format(at, tz, { hour: '2-digit', minute: '2-digit', hour12: false });

/** Today, tomorrow, else weekday and date. */
export function day(at, tz, now) {
  const ahead = dayNumber(at, tz) - dayNumber(now, tz);
  if (ahead === 0) return 'Today';
  if (ahead === 1) return 'Tomorrow';
  return format(at, tz, { weekday: 'short', day: 'numeric', month: 'short' }).replace(',', '');
}

/** The same inside a sentence. */
export const dayInside = (at, tz, now) => day(at, tz, now).replace(/^To/, 'to');

/** When an option arrives, or can be collected: a day, and what of the day. */
export function arrival(option, tz, now) {
  const end = new Date(option.deliver_by);
  if (!isHome(option)) return { day: day(end, tz, now), time: `ready at ${clock(end, tz)}` };
  const start = option.deliver_from ? new Date(option.deliver_from) : end;
  if (start >= end) return { day: day(end, tz, now), time: `by ${clock(end, tz)}` };
  if (dayNumber(start, tz) === dayNumber(end, tz)) {
    return { day: day(end, tz, now), time: `${clock(start, tz)} – ${clock(end, tz)}` };
  }
  return { day: `${day(start, tz, now)} – ${day(end, tz, now)}`, time: `by ${clock(end, tz)}` };
}

/** How long is left, the coarser the longer. */
export function left(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${plural(days, 'day')} ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes >= 10) return `${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** What an option is, in a few words. */
export function titleOf(option) {
  return {
    home_delivery: 'To your door',
    same_day: 'By courier to your door',
    click_and_collect: `Collect at ${option.place_name}`,
    ship_to_store: `Collect at ${option.place_name}`,
    pickup_point: `Collect at ${option.place_name}`,
  }[option.kind] ?? option.kind;
}

export const BADGES = { cheapest: 'Cheapest', fastest: 'Fastest', greenest: 'Greenest' };

/** Whether an error is about a postcode that nobody knows. */
export const isUnknownPostcode = (error) =>
  error.name === 'UnknownPostcode' || /postcode/i.test(error.problem?.errors?.[0]?.pointer ?? '') || /^(No p|P)ostcode /.test(error.problem?.detail ?? '');

/** A refusal in words: what happened, and what to do now. */
export function refusal(error, { postcode, country } = {}) {
  const detail = error.problem?.detail ?? '';
  if (error.status === 0) return 'The shop cannot be reached right now. Nothing was ordered by this; check that the service runs, and try again.';
  if (error.status === 401 || error.status === 403) {
    return 'This service lets in only who has an API key, and this page has none. Try it on a ledger without keys, as make serve starts it.';
  }
  if (isUnknownPostcode(error)) {
    return `We do not know the postcode ${postcode} in ${countryName(country)}. Check it for a slip, or pick one of the towns.`;
  }
  if (error.status === 429 || error.status === 503) return 'The shop is very busy. Wait a moment, then try again.';
  if (error.status === 409 || error.status === 412) return `This order cannot be placed again: ${lower(detail)}`;
  if (error.status >= 500) return 'Something broke on our side. Nothing was ordered by this; try again.';
  const hint = error.problem?.errors?.[0]?.hint;
  return `That could not be done: ${lower(detail)}${hint ? ` Maybe ${hint}` : ''}`;
}

const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
