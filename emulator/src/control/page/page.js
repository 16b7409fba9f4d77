'use strict';
(() => {
  const live = document.getElementById('live');
  const notice = document.getElementById('notice');
  const shown = new Map();
  for (const part of document.querySelectorAll('[data-live]')) shown.set(part.id, part.innerHTML);

  const keys = (part, selector) => new Set(Array.from(part.querySelectorAll(selector), (one) => one.dataset.key));
  const isEdited = (part) => Array.from(part.querySelectorAll('input:not([type=hidden])'))
    .some((input) => input === document.activeElement || input.value !== input.defaultValue);

  // Replaces what changed, and keeps what is open, scrolled and focused.
  const replace = (part, next) => {
    const open = keys(part, 'details[open]');
    const rows = keys(part, 'tbody[data-key]');
    const scroll = part.querySelector('.scroll');
    const [top, left] = scroll ? [scroll.scrollTop, scroll.scrollLeft] : [0, 0];
    const focused = part.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    part.replaceChildren(...next.childNodes);
    for (const one of part.querySelectorAll('details')) if (open.has(one.dataset.key)) one.open = true;
    for (const row of part.querySelectorAll('tbody[data-key]')) if (!rows.has(row.dataset.key)) row.classList.add('fresh');
    const again = part.querySelector('.scroll');
    if (again) again.scrollTo(left, top);
    if (focused) for (const one of part.querySelectorAll('[data-focus]')) if (one.dataset.focus === focused) one.focus();
  };

  const show = (text) => {
    const page = new DOMParser().parseFromString(text, 'text/html');
    for (const next of page.querySelectorAll('[data-live]')) {
      const part = document.getElementById(next.id);
      const html = next.innerHTML;
      if (!part || shown.get(next.id) === html || isEdited(part)) continue;
      shown.set(next.id, html);
      replace(part, next);
    }
    return page;
  };

  const state = (name, text) => { live.className = `live ${name}`; live.textContent = text; };

  const refresh = async () => {
    try {
      if (!document.hidden) {
        const response = await fetch(location.href.split('#')[0]);
        if (response.ok) show(await response.text());
        state('on', 'live');
      }
    } catch {
      state('off', 'not connected');
    }
    setTimeout(refresh, 1000);
  };

  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (form.method !== 'post') return;
    event.preventDefault();
    try {
      const response = await fetch(form.getAttribute('action'), { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const text = await response.text();
      notice.textContent = '';
      if (response.ok) {
        form.reset();
        show(text);
      } else {
        const error = new DOMParser().parseFromString(text, 'text/html').querySelector('.notice');
        notice.textContent = error ? error.textContent : `Status ${response.status}`;
        notice.scrollIntoView({ block: 'nearest' });
      }
    } catch {
      state('off', 'not connected');
    }
  });

  refresh();
})();
