"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const B = D.cells, $ = (id) => document.getElementById(id);
  const ROW = 24, MARKS = { error: "✕", warning: "!", info: "i", accepted: "✓", known: "=" };
  const WEIGHT = { error: 5, warning: 4, info: 3, accepted: 2, known: 1 };
  const SHOWN = 300, BRANCHES = 60;
  document.documentElement.classList.add("js");

  // --- the cells -----------------------------------------------------------------------------------------------
  const place = (r, c) => r * 16384 + c;
  const letters = (c) => { let t = ""; for (; c > 0; c = (c - 1 - ((c - 1) % 26)) / 26) t = String.fromCharCode(65 + ((c - 1) % 26)) + t; return t; };
  const number = (t) => [...t.toUpperCase()].reduce((n, x) => n * 26 + x.charCodeAt(0) - 64, 0);
  const at = (r, c) => letters(c) + r;
  const sum = (steps) => { let n = 0; return steps.map((s) => (n += s)); };
  const S = B.sheets.map((s, index) => {
    const rows = sum(s.r), places = new Map(), starts = new Map();
    let width = 1;
    for (let i = 0; i < rows.length; i++) {
      places.set(place(rows[i], s.c[i]), i);
      if (!starts.has(rows[i])) starts.set(rows[i], i);
      if (s.c[i] > width) width = s.c[i];
    }
    return { ...s, index, rows, places, starts, height: rows.length ? rows[rows.length - 1] : 1, width,
      bad: new Set(s.errors), unsure: new Set(sum(s.unconfirmed)), bare: new Set(sum(s.unstored)), marks: new Map(), areas: [],
      notes: new Map(s.comments.map(([r, c, t]) => [place(r, c), t])) };
  });
  const byName = new Map(S.map((s) => [s.name.toLowerCase(), s]));
  const names = new Map(B.names.map(([sheet, cell, name]) => [sheet + "!" + cell, name]));
  const find = (s, r, c) => { const i = s.places.get(place(r, c)); return i === undefined ? -1 : i; };
  const quoted = (n) => (/^[A-Za-z_]\w*$/.test(n) ? n : "'" + n.replace(/'/g, "''") + "'");
  const named = (s, r, c) => quoted(s.name) + "!" + at(r, c);
  const textAt = (s, r, c) => { const i = r && c ? find(s, r, c) : -1; return i < 0 ? "" : shown(s, i); };

  for (const f of D.findings) {
    f.sheetOf = byName.get(f.sheet.toLowerCase());
    const m = /^([A-Z]{1,3})(\d+)(?::([A-Z]{1,3})(\d+))?$/.exec(f.cell || "");
    if (!f.sheetOf || !m) continue;
    Object.assign(f, { row: +m[2], column: number(m[1]) });
    if (m[3]) f.sheetOf.areas.push({ f, last: +m[4], right: number(m[3]) });
    const key = place(f.row, f.column), held = f.sheetOf.marks.get(key) || [];
    held.push(f);
    f.sheetOf.marks.set(key, held);
    f.sheetOf.height = Math.max(f.sheetOf.height, f.row);
    f.sheetOf.width = Math.max(f.sheetOf.width, f.column);
  }
  const findingsAt = (s, r, c) => (s.marks.get(place(r, c)) || []).concat(s.areas.filter((a) =>
    (r !== a.f.row || c !== a.f.column) && r >= a.f.row && r <= a.last && c >= a.f.column && c <= a.right).map((a) => a.f));

  // --- texts: numbers by their formats, formulas from R1C1 ---------------------------------------------------------
  const general = (v) => { const a = Math.abs(v); return a && (a >= 1e15 || a < 1e-6) ? v.toExponential(6).replace(/\.?0+e/, "e") : String(+v.toPrecision(10)); };
  const plans = B.formats.map((format) => {
    const bare = (t) => t.replace(/\[[^\]]*\]/g, "").replace(/_./g, "").replace(/\*./g, "");
    if (/^general$/i.test(format) || format === "@") return null;
    const first = bare(format.split(";")[0]);
    if (/[dmyhs]/i.test(first.replace(/"[^"]*"|\\./g, ""))) return { date: true, time: /h/i.test(first) };
    return { parts: format.split(";").map(bare).map((t) => {
      const m = /^((?:"[^"]*"|\\.|[^0#?"\\])*)([0#?,.]*)(E[+-]0+)?((?:"[^"]*"|\\.|[^"\\])*)$/.exec(t);
      if (!m) return null;
      const literal = (x) => x.replace(/"([^"]*)"/g, "$1").replace(/\\(.)/g, "$1");
      const digits = m[2], least = (/\.([0#?]*)/.exec(digits) || ["", ""])[1];
      return { before: literal(m[1]), after: literal(m[4]), none: !/[0#?]/.test(digits), exponent: !!m[3],
        places: least.length, fixed: (least.match(/[0?]/g) || []).length, thousands: /[0#?],[0#?]/.test(digits),
        scale: (/,+$/.exec(digits) || [""])[0].length };
    }) };
  });
  function formatted(v, f) {
    const plan = plans[f];
    if (!plan) return general(v);
    if (plan.date) {
      const day = new Date(Math.round((v - (B.from1904 ? 24107 : 25569)) * 864e5));
      return isNaN(day) ? general(v) : day.toISOString().replace("T", " ").slice(0, plan.time ? 16 : 10);
    }
    const parts = plan.parts, own = v < 0 && parts.length > 1 ? 1 : v === 0 && parts.length > 2 ? 2 : 0, p = parts[own];
    if (!p) return general(v);
    if (p.none) return p.before + p.after;
    let x = own === 1 ? -v : v;
    if ((p.before + p.after).includes("%")) x *= 100;
    x /= 1000 ** p.scale;
    const figure = p.exponent ? x.toExponential(p.places).toUpperCase().replace(/E\+?(-?)(\d)$/, "E$10$2")
      : x.toLocaleString("en-US", { minimumFractionDigits: p.fixed, maximumFractionDigits: p.places, useGrouping: p.thousands });
    return p.before + figure + p.after;
  }
  function shown(s, i) {
    const v = s.v[i];
    return v === null ? "" : typeof v === "number" ? formatted(v, s.f[i]) : typeof v === "boolean" ? String(v).toUpperCase() : v;
  }
  const exact = (v) => (v === null || v === undefined ? "(nothing stored)" : typeof v === "number" ? v.toLocaleString("en-US", { maximumSignificantDigits: 15 }) : String(v));
  const TOKEN = /("(?:[^"]|"")*"|'(?:[^']|'')*'!?)|(?<![\w.$\\])R(\d+|\[-?\d+\])?C(\d+|\[-?\d+\])?(?![\w.(!\[])|(?<![\w.$\\])C(\d+|\[-?\d+\])?:C(\d+|\[-?\d+\])?(?![\w.(!\[])|(?<![\w.$\\])R(\d+|\[-?\d+\])?:R(\d+|\[-?\d+\])?(?![\w.(!\[])|(\[(?:[^\[\]]|\[[^\[\]]*\])*\])/g;
  function formula(s, i) {
    const r = s.rows[i], c = s.c[i];
    const row = (t) => (t && t[0] !== "[" ? "$" + t : String(r + (t ? +t.slice(1, -1) : 0)));
    const column = (t) => (t && t[0] !== "[" ? "$" + letters(+t) : letters(c + (t ? +t.slice(1, -1) : 0)));
    return B.keys[s.k[i]].replace(TOKEN, (all, text, r1, c1, ca, cb, ra, rb, inside) => {
      if (text || inside) return all;
      if (/^R.*:R/.test(all) && !/C/.test(all)) return row(ra) + ":" + row(rb);
      if (/^C/.test(all)) return column(ca) + ":" + column(cb);
      return column(c1) + row(r1);
    });
  }

  // --- what the cells around a cell say of it -----------------------------------------------------------------------
  const block = (s, r, c) => s.blocks.find((b) => r >= b[0] && r <= b[1] && c >= b[2] && c <= b[3]);
  function about(s, i) {
    const r = s.rows[i], c = s.c[i], b = block(s, r, c) || [];
    const told = (n) => (b[n] ? textAt(s, r, b[n]) : "");
    const left = textAt(s, r, s.x[i]), above = textAt(s, s.y[i], c), words = told(8);
    return { label: [left, above].filter(Boolean).join(" / "), unit: typeof s.v[i] === "number" && b[4] && c > b[4] && !b[9].includes(c) ? told(4) : "",
      source: told(5) || s.notes.get(place(r, c)) || "", asOf: told(6), key: told(7), words };
  }
  function status(s, i) {
    if (s.k[i] >= 0) return s.computed[i] !== undefined ? "differs" : s.unsure.has(i) || B.uncomputed ? "unconfirmed" : "formula";
    if (s.k[i] === -2) return "formula";
    if (typeof s.v[i] !== "number") {  // a text is an input where a row of inputs has its figures
      const b = block(s, s.rows[i], s.c[i]);
      if (!b || !b[4] || !b[5] || s.c[i] <= b[4] || b[9].includes(s.c[i])) return "label";
    }
    return about(s, i).source ? "input" : "unsourced";
  }
  const WORDS = { differs: "formula, computes to another value", formula: "formula, confirmed", unconfirmed: "formula, not recomputed", input: "input with a source", unsourced: "typed number without a source", label: "text" };

  // --- who reads whom ----------------------------------------------------------------------------------------------
  function reads(s, i) {
    if (s.k[i] < 0) return [];
    const r = s.rows[i], c = s.c[i], seen = new Set(), found = [];
    for (const [sheet, f1, r1, f2, r2, f3, c1, f4, c2] of B.reads[s.k[i]]) {
      const rows = [f1 ? r1 : r + r1, f2 ? r2 : r + r2].sort((a, b) => a - b), columns = [f3 ? c1 : c + c1, f4 ? c2 : c + c2].sort((a, b) => a - b);
      const area = { s: sheet < 0 ? s : S[sheet], top: rows[0], bottom: rows[1], left: columns[0], right: columns[1] };
      const key = [area.s.index, ...rows, ...columns].join();
      if (area.top > 0 && area.left > 0 && !seen.has(key)) { seen.add(key); found.push(area); }
    }
    return found;
  }
  // What a formula computes with: of an area that it looks something up in, the cell that it finds.
  function comesFrom(s, i) {
    const found = (s.finds[i] || []).map(([n, r, c]) => ({ s: S[n], top: r, bottom: r, left: c, right: c }));
    const holds = (a, b) => a.s === b.s && a.top <= b.top && b.top <= a.bottom && a.left <= b.left && b.left <= a.right;
    return [...found, ...reads(s, i).filter((a) => !found.some((b) => holds(a, b)))];
  }
  const single = (a) => a.top === a.bottom && a.left === a.right;
  function* cellsIn(a) {
    const tall = a.bottom - a.top + 1, wide = a.right - a.left + 1;
    if (tall * wide <= a.s.rows.length) {
      for (let r = a.top; r <= a.bottom; r++) for (let c = a.left; c <= a.right; c++) { const i = find(a.s, r, c); if (i >= 0) yield i; }
    } else for (let i = 0; i < a.s.rows.length; i++) if (a.s.rows[i] >= a.top && a.s.rows[i] <= a.bottom && a.s.c[i] >= a.left && a.s.c[i] <= a.right) yield i;
  }
  let readers = null;
  function dependents(s, r, c) {
    if (!readers) {
      readers = S.map(() => ({ cells: new Map(), areas: new Map() }));
      for (const sheet of S) for (let i = 0; i < sheet.k.length; i++) for (const a of reads(sheet, i)) {
        const held = readers[a.s.index], key = single(a) ? place(a.top, a.left) : [a.top, a.bottom, a.left, a.right].join();
        const map = single(a) ? held.cells : held.areas, entry = map.get(key) || { a, by: [] };
        entry.by.push([sheet, i]);
        map.set(key, entry);
      }
    }
    const held = readers[s.index], found = [...((held.cells.get(place(r, c)) || { by: [] }).by)];
    for (const { a, by } of held.areas.values()) if (r >= a.top && r <= a.bottom && c >= a.left && c <= a.right) found.push(...by);
    const seen = new Set();
    return found.filter(([sheet, i]) => !seen.has(sheet.index + "," + i) && seen.add(sheet.index + "," + i));
  }

  // --- elements ------------------------------------------------------------------------------------------------------
  function el(tag, about, ...inside) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(about || {})) if (k === "on") e.onclick = v; else if (k === "text") e.textContent = v; else if (v !== undefined && v !== null) e.setAttribute(k, v);
    e.append(...inside.filter((x) => x !== null && x !== undefined && x !== ""));
    return e;
  }
  const link = (s, r, c) => el("a", { href: "#" + encodeURIComponent(named(s, r, c)), text: named(s, r, c), on: (e) => { e.preventDefault(); go(s, r, c, true); } });

  // --- state and filters ---------------------------------------------------------------------------------------------
  const state = { sheet: S[0], row: 1, column: 1, off: new Set(), check: "", hits: new Set(), chosen: false };
  const kind = (f) => (f.state === "open" ? f.severity : f.state);
  const wanted = (f) => !state.off.has(kind(f)) && (!state.check || f.check === state.check);
  const filtered = () => D.findings.filter(wanted);
  const worst = (s, r, c) => findingsAt(s, r, c).filter(wanted).sort((a, b) => WEIGHT[kind(b)] - WEIGHT[kind(a)])[0];

  // --- the grid: only what is in sight is in the document ------------------------------------------------------------
  const scroll = $("scroll"), size = $("size"), cells = $("cells"), across = $("across").firstElementChild, down = $("down").firstElementChild, chosen = $("chosen");
  function measure(s) {
    if (s.lefts) return;
    const widths = new Array(s.width + 3).fill(46);
    for (let i = 0; i < Math.min(s.rows.length, 6000); i++) {
      const text = shown(s, i), c = s.c[i], stops = i + 1 < s.rows.length && s.rows[i + 1] === s.rows[i] && s.c[i + 1] === c + 1;
      const need = text.length * 7 + 16;
      if (typeof s.v[i] === "number" || s.k[i] >= 0 || stops) widths[c] = Math.max(widths[c], Math.min(need, typeof s.v[i] === "number" ? 170 : s.k[i] >= 0 ? 150 : 250));
      else widths[c] = Math.max(widths[c], Math.min(need, 64));
    }
    for (const f of s.marks.values()) widths[f[0].column] = Math.min(250, widths[f[0].column] + 10);
    widths[0] = 0;
    s.lefts = [0, 0];
    for (let c = 1; c < widths.length; c++) s.lefts.push(s.lefts[c] + widths[c]);
  }
  let asked = false;
  const draw = () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; paint(); }); } };
  function paint() {
    const s = state.sheet;
    measure(s);
    const top = scroll.scrollTop, left = scroll.scrollLeft, high = scroll.clientHeight, wide = scroll.clientWidth;
    size.style.width = s.lefts[s.width + 3] + "px";
    size.style.height = (s.height + 3) * ROW + "px";
    const first = Math.max(1, Math.floor(top / ROW)), last = Math.min(s.height + 3, Math.ceil((top + high) / ROW) + 1);
    let from = 1, to = s.width + 2;
    while (from < to && s.lefts[from + 1] <= left) from++;
    while (to > from && s.lefts[to] > left + wide) to--;
    const drawn = document.createDocumentFragment();
    for (let r = first; r <= last; r++) {
      let i = s.starts.get(r);
      const present = new Set();
      if (i !== undefined) for (; i < s.rows.length && s.rows[i] === r; i++) {
        const c = s.c[i];
        if (c > to) break;
        present.add(c);
        const free = i + 1 < s.rows.length && s.rows[i + 1] === r ? s.c[i + 1] - 1 : s.width + 2;
        const spread = typeof s.v[i] === "string" && s.k[i] < 0 ? Math.max(c, free) : c;
        if (spread < from) continue;
        drawn.append(cellOf(s, r, c, i, spread));
      }
      for (let c = from; c <= to; c++) if (!present.has(c) && find(s, r, c) < 0 && worst(s, r, c)) drawn.append(cellOf(s, r, c, -1, c));
    }
    cells.replaceChildren(drawn);
    across.replaceChildren(...Array.from({ length: to - from + 1 }, (_, n) => {
      const c = from + n, e = el("div", { text: letters(c) });
      e.style.left = s.lefts[c] - left + "px"; e.style.width = s.lefts[c + 1] - s.lefts[c] + "px";
      e.classList.toggle("here", state.chosen && c === state.column);
      return e;
    }));
    down.replaceChildren(...Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => {
      const r = first + n, e = el("div", { text: r });
      e.style.top = (r - 1) * ROW - top + "px";
      e.classList.toggle("here", state.chosen && r === state.row);
      return e;
    }));
    chosen.hidden = !state.chosen;
    const w = s.lefts[Math.min(state.column, s.width + 2) + 1] - s.lefts[Math.min(state.column, s.width + 2)];
    Object.assign(chosen.style, { left: s.lefts[state.column] - 1 + "px", top: (state.row - 1) * ROW - 1 + "px", width: w + 1 + "px" });
    const active = $("at-" + at(state.row, state.column));
    active ? scroll.setAttribute("aria-activedescendant", active.id) : scroll.removeAttribute("aria-activedescendant");
  }
  function cellOf(s, r, c, i, spread) {
    const f = worst(s, r, c), what = i < 0 ? "label" : status(s, i), text = i < 0 ? "" : shown(s, i);
    const e = el("div", { id: "at-" + at(r, c), class: "cell " + what, role: "gridcell", text });
    if (i >= 0 && typeof s.v[i] === "number") e.classList.add("number");
    if (i >= 0 && s.bad.has(i)) e.classList.add("bad");
    if (what === "label" && s.blocks.some((b) => r === b[0] - (b[3] > 16383 ? 1 : 0) && c >= b[2] && c <= b[3])) e.classList.add("head");
    if (f) { e.classList.add(kind(f)); e.dataset.mark = MARKS[kind(f)]; }
    if (state.hits.has(s.index + "," + i)) e.classList.add("hit");
    e.setAttribute("aria-label", `${at(r, c)} ${text} ${f ? kind(f) + ": " + f.message : WORDS[what]}`);
    Object.assign(e.style, { left: s.lefts[c] + "px", top: (r - 1) * ROW + "px", width: s.lefts[spread + 1] - s.lefts[c] + "px" });
    return e;
  }
  function go(s, r, c, remember, quiet) {
    const other = s !== state.sheet;
    Object.assign(state, { sheet: s, row: Math.max(1, r), column: Math.min(Math.max(1, c), s.width + 2), chosen: true });
    if (other) { scroll.scrollTop = scroll.scrollLeft = 0; tabs(); }
    paint();
    const top = (state.row - 1) * ROW, left = s.lefts[state.column], right = s.lefts[state.column + 1], far = other || remember;
    if (top < scroll.scrollTop || top + ROW > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = far ? top - scroll.clientHeight / 3 : top < scroll.scrollTop ? top : top + ROW - scroll.clientHeight + 2;
    if (left < scroll.scrollLeft || right > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = left < scroll.scrollLeft ? (left < scroll.clientWidth / 2 ? 0 : left) : right - scroll.clientWidth + 2;
    paint();
    const hash = "#" + encodeURIComponent(named(s, state.row, state.column));
    if (remember && location.hash !== hash) history.pushState(null, "", hash); else history.replaceState(null, "", hash);
    detail();
    if (!quiet) panel("cell");
  }
  function goText(text) {
    const m = /^(?:(?:'((?:[^']|'')+)'|([^!]+))!)?\$?([A-Za-z]{1,3})\$?(\d{1,7})$/.exec(text.trim());
    const s = m && (m[1] || m[2] ? byName.get((m[1] || m[2]).replace(/''/g, "'").toLowerCase()) : state.sheet);
    if (!s || number(m[3]) > 16384 || +m[4] > s.height + 3) return false;
    go(s, +m[4], number(m[3]), true);
    return true;
  }

  // --- tabs, chips, panels ---------------------------------------------------------------------------------------------
  function tabs() {
    $("tabs").replaceChildren(...S.map((s) => {
      const here = filtered().filter((f) => f.sheetOf === s), top = here.map(kind).sort((a, b) => WEIGHT[b] - WEIGHT[a])[0];
      const b = el("button", { role: "tab", "aria-selected": s === state.sheet, on: () => { state.sheet = s; state.chosen = false; state.row = state.column = 1; scroll.scrollTop = scroll.scrollLeft = 0; tabs(); draw(); } },
        s.name + (s.state === "visible" ? "" : " (hidden)"), here.length ? el("span", { class: "count " + top, text: here.length }) : "");
      if (s === state.sheet) requestAnimationFrame(() => b.scrollIntoView({ block: "nearest", inline: "nearest" }));
      return b;
    }));
  }
  function chips() {
    const kinds = Object.keys(WEIGHT).filter((k) => ["error", "warning", "info"].includes(k) || D.findings.some((f) => kind(f) === k));
    $("chips").replaceChildren(...kinds.map((k) => {
      const n = D.findings.filter((f) => kind(f) === k).length;
      const word = k === "info" || k === "accepted" || k === "known" || n === 1 ? k : k + "s";
      return el("button", { class: "chip " + k, "aria-pressed": !state.off.has(k), "data-kind": k, title: "Show or hide", text: `${MARKS[k]} ${n} ${word}`, on: () => {
        state.off.has(k) ? state.off.delete(k) : state.off.add(k);
        refilter();
      } });
    }));
  }
  function refilter() { chips(); tabs(); list(); draw(); if (state.chosen) detail(); }
  const PANELS = ["list", "cell", "found"];
  function panel(name) {
    for (const p of PANELS) { $(p).hidden = p !== name; $("to-" + p).setAttribute("aria-selected", p === name); }
  }
  function item(f) {
    const current = state.chosen && f.sheetOf === state.sheet && f.row === state.row && f.column === state.column;
    return el("button", { class: "item is-" + kind(f), "aria-current": current, on: () => show(f) },
      el("span", { class: "check", text: f.check }), el("span", { class: "where", text: `${MARKS[kind(f)]} ${f.sheet ? quoted(f.sheet) + (f.cell ? "!" + f.cell : "") : "Workbook"}` }),
      f.label ? el("span", { class: "quiet", text: "  " + f.label }) : "", el("span", { class: "what", text: f.message }));
  }
  function show(f) {
    if (f.sheetOf && f.row) go(f.sheetOf, f.row, f.column, true);
    else { if (f.sheetOf) { state.sheet = f.sheetOf; tabs(); draw(); } $("cell").replaceChildren(el("h2", { text: f.sheet || "Workbook" }), told(f)); panel("cell"); }
  }
  function list() {
    const found = filtered();
    const none = D.findings.length ? "No finding passes the filter." : "No findings.";
    $("list").replaceChildren(...(found.length ? found.slice(0, SHOWN).map(item) : [el("p", { class: "quiet", text: none })]),
      found.length > SHOWN ? el("p", { class: "quiet", text: `${found.length - SHOWN} more: filter by severity or check` }) : "");
    $("to-list").textContent = `Findings ${found.length}`;
  }
  function step(by) {
    const found = filtered().filter((f) => f.row);
    if (!found.length) return;
    const here = [state.sheet.index, state.row, state.column];
    const after = (f) => { const a = [f.sheetOf.index, f.row, f.column]; for (let n = 0; n < 3; n++) if (a[n] !== here[n]) return a[n] - here[n]; return 0; };
    const order = [...found].sort((a, b) => a.sheetOf.index - b.sheetOf.index || a.row - b.row || a.column - b.column);
    const next = by > 0 ? order.find((f) => !state.chosen || after(f) > 0) || order[0] : [...order].reverse().find((f) => after(f) < 0) || order[order.length - 1];
    show(next);
  }

  // --- a cell: value, formula, steps, lineage, findings ----------------------------------------------------------------
  const told = (f) => {
    const [, meaning, remedy] = D.checks[f.check] || ["", "", ""];
    return el("div", { class: "finding is-" + kind(f) }, el("b", { text: `${MARKS[kind(f)]} ${kind(f)}: ${f.message}` }), el("p", { text: meaning + "." }),
      f.expected !== null && f.expected !== undefined ? el("p", { text: "Expected: " + exact(f.expected) }) : "",
      f.state === "accepted" ? el("p", { text: `Accepted by ${f.name}${f.date ? " on " + f.date : ""}: ${f.reason}` }) : "",
      el("p", {}, el("b", { text: "What to do: " }), remedy + "."), el("p", { class: "quiet", text: f.check }));
  };
  function detail() {
    const s = state.sheet, r = state.row, c = state.column, i = find(s, r, c), box = $("cell"), found = findingsAt(s, r, c);
    document.getElementById("app").classList.add("with-cell");
    const parts = [el("h2", { text: named(s, r, c) })];
    if (i < 0) parts.push(el("p", { class: "quiet", text: "An empty cell." }), ...found.map(told));
    else {
      const a = about(s, i), what = status(s, i), name = names.get(s.name + "!" + at(r, c)), rest = [];
      if (a.label) parts.push(el("div", { text: a.label }));
      parts.push(el("p", { class: "value" }, shown(s, i) || "(nothing stored)", a.unit ? el("span", { class: "quiet", text: " " + a.unit }) : ""), el("span", { class: "tag " + what, text: WORDS[what] }));
      if (s.state !== "visible" || s.hidden[0].includes(r) || s.hidden[1].some(([x, y]) => c >= x && c <= y)) parts.push(el("span", { class: "tag", text: "hidden" }));
      const line = (k, v) => { if (v) rest.push(el("dt", { text: k }), el("dd", {}, v)); };
      if (typeof s.v[i] === "number") line("Value", exact(s.v[i]));
      if (s.k[i] >= 0) {
        const other = s.computed[i];
        if (s.bare.has(i)) line("Stored", "nothing: the value shown is recomputed");
        line("Recomputed", other !== undefined ? el("b", { text: `${exact(other)} (${B.engine})` }) : what === "unconfirmed" ? `no: ${B.uncomputed || B.engine + " does not know the formula"}` : s.bare.has(i) ? `${exact(s.v[i])} (${B.engine})` : `the same (${B.engine})`);
        line("Formula", el("code", { text: formula(s, i) }));
        line("Step", a.words && el("code", { text: a.words }));
      }
      line("Key", a.key); line("Name", name); line("Source", a.source); line("As of", a.asOf);
      parts.push(el("dl", {}, ...rest), ...found.map(told));
      if (s.steps[i]) parts.push(el("h3", { text: "Steps" }), el("dl", { id: "steps" }, ...s.steps[i].flatMap(([kind_, name_, text, v, unit]) => [
        el("dt", { text: name_ }), el("dd", {}, `${exact(v)} ${unit}  `, el("span", { class: "quiet", text: kind_ === "default" ? `${text} (default)` : "= " + text }))])));
      const from = comesFrom(s, i);
      if (s.k[i] >= 0) parts.push(el("h3", { text: "Comes from" }), from.length ? branch(from, new Set([s.index + "," + i])) : el("p", { class: "quiet", text: "Reads no cell." }));
    }
    const by = dependents(s, r, c);
    if (i >= 0) {
      parts.push(el("h3", { text: by.length ? `Used by ${by.length.toLocaleString("en-US")}` : "Used by" }),
        by.length ? el("ul", { class: "tree", id: "used" }, ...by.slice(0, BRANCHES).map(([d, n]) => el("li", {}, row(d, n, null)))) : el("p", { class: "quiet", text: "No formula reads it." }),
        by.length > BRANCHES ? el("p", { class: "quiet", text: `and ${by.length - BRANCHES} more` }) : "");
    }
    box.replaceChildren(...parts);
    box.scrollTop = 0;
    $("to-cell").textContent = at(r, c);
    for (const e of $("list").children) e.setAttribute("aria-current", false);
  }
  function row(s, i, toggle) {
    const a = about(s, i);
    return el("div", { class: "line" }, toggle || el("i"), el("span", { class: "rest" }, link(s, s.rows[i], s.c[i]), a.label ? "  " + a.label : ""),
      el("span", { class: "figure", text: shown(s, i) + (a.unit ? " " + a.unit : "") }));
  }
  function branch(areas, above) {
    return el("ul", { class: "tree" }, ...areas.slice(0, BRANCHES).map((a) => {
      const li = el("li"), i = single(a) ? find(a.s, a.top, a.left) : -1;
      const opener = (inside) => {
        const b = el("button", { "aria-expanded": "false", "aria-label": "Open", text: "▸", on: () => {
          const open = b.getAttribute("aria-expanded") !== "true";
          b.setAttribute("aria-expanded", open);
          b.textContent = open ? "▾" : "▸";
          if (open) li.append(inside()); else li.lastElementChild.remove();
        } });
        return b;
      };
      if (i >= 0) {
        const key = a.s.index + "," + i, below = comesFrom(a.s, i);
        li.append(row(a.s, i, below.length && !above.has(key) ? opener(() => branch(below, new Set([...above, key]))) : null));
        if (above.has(key)) li.append(el("div", { class: "quiet", text: "a cycle" }));
        return li;
      }
      if (single(a)) { li.append(el("div", { class: "line" }, el("i"), el("span", { class: "rest" }, link(a.s, a.top, a.left), "  (empty)"))); return li; }
      const held = [...cellsIn(a)], numbers = held.map((n) => a.s.v[n]).filter((v) => typeof v === "number");
      const total = numbers.reduce((x, y) => x + y, 0), first = link(a.s, a.top, a.left);
      first.textContent += ":" + at(a.bottom, a.right);
      const said = `${held.length.toLocaleString("en-US")} cells` + (numbers.length ? `, min ${general(numbers.reduce((x, y) => Math.min(x, y)))}, max ${general(numbers.reduce((x, y) => Math.max(x, y)))}` : "");
      li.append(el("div", { class: "line" }, held.length ? opener(() => branch(held.slice(0, BRANCHES).map((n) => ({ s: a.s, top: a.s.rows[n], bottom: a.s.rows[n], left: a.s.c[n], right: a.s.c[n] })), above)) : el("i"),
        el("span", { class: "rest" }, first, "  " + said), el("span", { class: "figure", text: numbers.length ? "Σ " + general(total) : "" })));
      return li;
    }), areas.length > BRANCHES ? el("li", { class: "quiet", text: `and ${areas.length - BRANCHES} more` }) : "");
  }

  // --- search ------------------------------------------------------------------------------------------------------------
  let haystack = null, timer = 0;
  function search(query) {
    const q = query.trim().toLowerCase();
    state.hits = new Set();
    $("to-found").hidden = !q;
    if (!q) { if (!$("found").hidden) panel("list"); draw(); return; }
    haystack = haystack || S.map((s) => s.rows.map((_, i) => (shown(s, i) + "\n" + (s.k[i] >= 0 ? formula(s, i) : "") + "\n" + textAt(s, s.rows[i], s.x[i])).toLowerCase()));
    const found = [];
    S.forEach((s) => haystack[s.index].forEach((text, i) => { if (text.includes(q) || at(s.rows[i], s.c[i]).toLowerCase() === q) { found.push([s, i]); state.hits.add(s.index + "," + i); } }));
    const named_ = B.names.filter(([, , n]) => n.toLowerCase().includes(q)).slice(0, 20);
    const said = D.findings.filter((f) => wanted(f) && (f.message + f.check + f.label).toLowerCase().includes(q));
    $("found").replaceChildren(
      el("p", { class: "quiet", text: `${found.length.toLocaleString("en-US")} cells, ${said.length} findings` }), ...said.slice(0, 20).map(item),
      ...named_.map(([sheet, cell, n]) => el("button", { class: "item", on: () => goText(quoted(sheet) + "!" + cell) }, el("span", { class: "where", text: n }), el("span", { class: "what", text: sheet + "!" + cell }))),
      ...found.slice(0, SHOWN).map(([s, i]) => el("button", { class: "item", on: () => go(s, s.rows[i], s.c[i], true) },
        el("span", { class: "where", text: named(s, s.rows[i], s.c[i]) }), el("span", { class: "quiet", text: "  " + about(s, i).label }),
        el("span", { class: "what", text: s.k[i] >= 0 ? `${shown(s, i)}   ${formula(s, i).slice(0, 80)}` : shown(s, i).slice(0, 160) }))),
      found.length > SHOWN ? el("p", { class: "quiet", text: `and ${(found.length - SHOWN).toLocaleString("en-US")} more` }) : "");
    $("to-found").textContent = `Search ${found.length.toLocaleString("en-US")}`;
    panel("found");
    draw();
  }

  // --- keys and clicks -----------------------------------------------------------------------------------------------------
  const box = $("search");
  box.oninput = () => { clearTimeout(timer); timer = setTimeout(() => search(box.value), 150); };
  box.onkeydown = (e) => {
    if (e.key === "Enter") { clearTimeout(timer); if (!goText(box.value)) { search(box.value); const first = $("found").querySelector("button"); if (first) first.click(); } scroll.focus(); }
    if (e.key === "Escape") { box.value = ""; search(""); scroll.focus(); e.stopPropagation(); }
  };
  const page = () => Math.max(1, Math.floor(scroll.clientHeight / ROW) - 1);
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  scroll.onkeydown = (e) => {
    const s = state.sheet;
    let r = state.row, c = state.column;
    if (MOVES[e.key]) {
      const [x, y] = state.chosen ? MOVES[e.key] : [0, 0];
      if (e.ctrlKey || e.metaKey) { do { r += x; c += y; } while (r > 1 && c > 1 && r < s.height && c < s.width && (find(s, r, c) < 0 || find(s, r + x, c + y) >= 0)); } else { r += x; c += y; }
    } else if (e.key === "PageDown") r += page(); else if (e.key === "PageUp") r -= page();
    else if (e.key === "Home") { c = 1; if (e.ctrlKey) r = 1; } else if (e.key === "End") { c = s.width; if (e.ctrlKey) r = s.height; } else return;
    e.preventDefault();
    go(s, Math.min(Math.max(1, r), s.height + 2), c, false);
  };
  cells.onclick = (e) => { const m = /^at-([A-Z]+)(\d+)$/.exec((e.target.closest(".cell") || {}).id || ""); if (m) { go(state.sheet, +m[2], number(m[1]), true); scroll.focus({ preventScroll: true }); } };
  document.addEventListener("keydown", (e) => {
    if (e.target.matches("input, select") || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "/") { e.preventDefault(); box.focus(); box.select(); }
    else if (e.key === "n" || e.key === "p") { step(e.key === "n" ? 1 : -1); scroll.focus({ preventScroll: true }); }
    else if (e.key === "?") $("help").showModal();
    else if (e.key === "Escape" && !$("help").open) { if (box.value) { box.value = ""; search(""); } panel("list"); list(); scroll.focus({ preventScroll: true }); }
  });
  scroll.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(scroll);
  for (const p of PANELS) $("to-" + p).onclick = () => { if (p === "list") list(); panel(p); };
  $("check").append(...[...new Set(D.findings.map((f) => f.check))].sort().map((c) => el("option", { value: c, text: c })));
  $("check").onchange = (e) => { state.check = e.target.value; refilter(); panel("list"); };
  $("to-help").onclick = () => $("help").showModal();
  const fromHash = () => { try { return goText(decodeURIComponent(location.hash.slice(1))); } catch { return false; } };
  window.addEventListener("popstate", fromHash);

  const first = D.findings.filter((f) => f.row && f.state === "open").sort((a, b) => WEIGHT[b.severity] - WEIGHT[a.severity])[0];
  if (first) state.sheet = first.sheetOf;
  chips(); tabs(); list(); panel("list"); paint();
  if (!location.hash || !fromHash()) scroll.focus({ preventScroll: true });
})();
