/** What the page of an execution does: it shows the panel of the event that was chosen. */

/** A script; it makes no text of its own, and loads nothing. */
export const script = `
'use strict';
const events = [...document.querySelectorAll('.event')];
const near = [...document.querySelectorAll('.arrow, .tag')];
const choose = (at) => {
  const chosen = Math.max(0, Math.min(events.length - 1, at));
  for (const [i, event] of events.entries()) {
    event.setAttribute('aria-pressed', String(i === chosen));
    document.getElementById('p' + i).hidden = i !== chosen;
  }
  const name = String(chosen);
  for (const part of near) part.classList.toggle('near', part.dataset.from === name || part.dataset.to === name);
  return events[chosen];
};
for (const event of events) event.addEventListener('click', () => choose(Number(event.dataset.event)));
document.addEventListener('keydown', (key) => {
  const now = events.findIndex((event) => event.getAttribute('aria-pressed') === 'true');
  const to = { ArrowDown: now + 1, ArrowRight: now + 1, ArrowUp: now - 1, ArrowLeft: now - 1, Home: 0, End: events.length - 1 }[key.key];
  if (key.key === 'Enter' || key.key === ' ') {
    const focused = document.activeElement;
    if (focused !== null && events.includes(focused)) choose(Number(focused.dataset.event));
    else return;
  } else if (to === undefined || events.length === 0) return;
  else {
    const event = choose(to);
    event.focus({ preventScroll: true });
    event.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
  key.preventDefault();
});
if (events.length > 0) {
  const shown = choose(events.findIndex((event) => event.getAttribute('aria-pressed') === 'true'));
  const box = document.querySelector('.diagram');
  const [inside, around] = [shown.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollBy(inside.left - around.left - around.width / 2, inside.top - around.top - around.height / 2);
}
`;
