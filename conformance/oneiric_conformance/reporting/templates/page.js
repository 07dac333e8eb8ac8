"use strict";
(() => {
  const text = document.getElementById("text");
  const choices = [...document.querySelectorAll("input[name=status]")];
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll(".matrix tbody tr")];
  const heads = [...document.querySelectorAll(".matrix thead th")];
  const cards = [...document.querySelectorAll(".card")];
  const whole = [...document.querySelectorAll("tr.whole")];
  const has = (value, words) => words.every((word) => value.toLowerCase().includes(word));

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(choices.filter((choice) => choice.checked).map((choice) => choice.value));
    const all = choices.every((choice) => choice.checked);
    // Words that name a component choose rows; else they choose columns.
    const named = words.length > 0 && rows.some((row) => has(row.dataset.component, words));
    const column = (check) => words.length === 0 || named || has(check, words);
    for (const head of heads) head.hidden = !column(head.dataset.check);
    let seen = 0;
    for (const row of rows) {
      let shows = false;
      for (const cell of row.querySelectorAll("td")) {
        cell.hidden = !column(cell.dataset.check);
        shows ||= !cell.hidden && (all || wanted.has(cell.dataset.status));
      }
      row.hidden = !shows || (named && !has(row.dataset.component, words));
      seen += row.hidden ? 0 : 1;
    }
    for (const row of whole) {
      row.hidden = !wanted.has(row.dataset.status) || (words.length > 0 && !has(row.dataset.check, words));
    }
    let open = 0;
    for (const card of cards) {
      const about = `${card.dataset.component} ${card.dataset.check}`;
      card.hidden = !wanted.has(card.dataset.status) || !has(about, words);
      open += card.hidden ? 0 : 1;
    }
    found.textContent = `${seen} of ${rows.length} components, ${open} of ${cards.length} cards`;
  }

  function follow() {
    const card = location.hash && document.getElementById(location.hash.slice(1));
    if (card instanceof HTMLDetailsElement) {
      card.hidden = false;
      card.open = true;
      card.scrollIntoView();
      card.querySelector("summary").focus();
    }
  }

  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("filters").addEventListener("input", filter);
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('a[href^="#card-"]')) setTimeout(follow);
  });
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = cards.filter((card) => !card.open);
    for (const card of closed) card.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const card of closed) card.open = false;
  });
  filter();
  follow();
})();
