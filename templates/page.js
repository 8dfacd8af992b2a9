// What a page can do beyond its static pictures: tell what is pointed at, and stretch time. The pictures tell the story
// without it. It loads nothing, keeps nothing, and does nothing where a page has no pictures.
"use strict";
(() => {
  const make = (name, attributes, text) => {
    const svg = ["clipPath", "rect", "line", "text"].includes(name);
    const made = svg ? document.createElementNS(document.querySelector("svg").namespaceURI, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // --- Pointing: the titles of the elements, at once and near the pointer.
  const tip = make("div", { class: "tip", "aria-hidden": "true", hidden: "" });
  document.body.append(tip);
  const titles = new WeakMap();
  const titleOf = (element) => {
    const title = [...element.children].find((child) => child.tagName === "title");
    if (title) {
      // The browser's own tooltip would come later and cover ours.
      titles.set(element, title.textContent);
      title.remove();
    }
    return titles.get(element);
  };
  const show = (text, x, y) => {
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const box = tip.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    tip.style.left = Math.max(4, Math.min(x + 14, width - box.width - 4)) + "px";
    tip.style.top = (y - box.height - 12 > 4 ? y - box.height - 12 : y + 18) + "px";
  };

  // --- Time: all pictures of one page that run over time show the same stretch of it.
  const pictures = [...document.querySelectorAll("svg[data-time]")].map((svg) => {
    const [left, right, end] = svg.dataset.time.split(" ").map(Number);
    const height = svg.viewBox.baseVal.height;
    const told = JSON.parse(svg.dataset.readout || "[]");
    return { svg, left, right, end, height, told, cursor: null, kept: null };
  });
  const end = Math.max(0, ...pictures.map((picture) => picture.end));
  let shown = [0, end];

  const instant = (ms) => (ms / 1e3).toFixed(shown[1] - shown[0] < 2e3 ? 3 : shown[1] - shown[0] < 2e4 ? 2 : 1) + " s";
  const inSheet = (picture, event) => {
    const box = picture.svg.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * picture.svg.viewBox.baseVal.width;
  };
  const toMs = (picture, x) =>
    shown[0] + ((Math.min(Math.max(x, picture.left), picture.right) - picture.left) / (picture.right - picture.left)) * (shown[1] - shown[0]);

  // The places of everything that moves, as drawn.
  const places = (picture) => {
    if (picture.kept) return picture.kept;
    const id = "shown-" + pictures.indexOf(picture);
    const clip = make("clipPath", { id });
    clip.append(make("rect", { x: picture.left - 8, y: 0, width: picture.right - picture.left + 16, height: picture.height }));
    picture.svg.prepend(clip);
    const moving = [];
    for (const group of picture.svg.querySelectorAll(".over-time")) {
      group.setAttribute("clip-path", `url(#${id})`);
      for (const element of group.querySelectorAll("rect,line,polyline,polygon,circle,text,path")) {
        const of = (name) => Number(element.getAttribute(name));
        const pin = element.dataset.pin;
        const kind = element.tagName;
        const place = { element, kind, pin: pin === undefined ? null : Number(pin), hold: Number(element.dataset.hold || 0) };
        if (place.hold) place.room = element.getBBox().width + 40;
        if (kind === "rect") [place.x, place.width] = [of("x"), of("width")];
        if (kind === "line") [place.x1, place.x2] = [of("x1"), of("x2")];
        if (kind === "circle") place.x = of("cx");
        if (kind === "text") place.x = of("x");
        if (kind === "polyline" || kind === "polygon") place.points = element.getAttribute("points").trim().split(/\s+/).map((point) => point.split(",").map(Number));
        if (kind === "path") place.cells = [...element.getAttribute("d").matchAll(/M(-?\d+) (-?\d+)H(-?\d+)V(-?\d+)H-?\d+Z/g)].map((cell) => cell.slice(1).map(Number));
        moving.push(place);
      }
    }
    const ticks = picture.svg.querySelector(".ticks");
    const kept = ticks ? [...ticks.children] : [];
    picture.kept = { moving, ticks, before: kept, model: kept.slice(0, 3).map((element) => element.cloneNode(true)) };
    return picture.kept;
  };

  const step = (span) => {
    const rough = span / 9;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((factor) => factor * power).find((it) => it >= rough);
  };

  const draw = (picture) => {
    const { moving, ticks, before, model } = places(picture);
    const { left, right } = picture;
    const whole = shown[0] === 0 && shown[1] === end;
    const stretch = end / (shown[1] - shown[0]);
    const shift = (shown[0] / end) * (right - left);
    const move = (x) => left + (x - left - shift) * stretch;
    // Far outside is outside: browsers draw huge coordinates badly.
    const at = (x) => Math.round(Math.min(Math.max(whole ? x : move(x), left - 4000), right + 4000) * 10) / 10;
    for (const place of moving) {
      const { element, kind, pin } = place;
      if (pin !== null) {
        let to = Math.min(Math.max(move(pin), left - 4000), right + 4000);
        // The name of a stretch stays in view as long as the stretch has room for it.
        if (place.hold && to < left && move(place.hold) - left > place.room) to = left;
        const by = whole ? 0 : to - pin;
        by ? element.setAttribute("transform", `translate(${by})`) : element.removeAttribute("transform");
      } else if (kind === "rect") {
        const [from, to] = [at(place.x), at(place.x + place.width)];
        element.setAttribute("x", from);
        element.setAttribute("width", to - from);
      } else if (kind === "line") {
        element.setAttribute("x1", at(place.x1));
        element.setAttribute("x2", at(place.x2));
      } else if (kind === "circle") element.setAttribute("cx", at(place.x));
      else if (kind === "text") element.setAttribute("x", at(place.x));
      else if (place.points) element.setAttribute("points", place.points.map(([x, y]) => `${at(x)},${y}`).join(" "));
      else if (place.cells)
        element.setAttribute("d", place.cells.map(([x1, y1, x2, y2]) => `M${at(x1)} ${y1}H${at(x2)}V${y2}H${at(x1)}Z`).join(""));
    }
    if (!ticks || model.length < 3) return;
    if (whole) return ticks.replaceChildren(...before);
    const of = step((shown[1] - shown[0]) / 1e3);
    const drawn = [];
    for (let tick = Math.ceil(shown[0] / 1e3 / of - 1e-9); tick * of * 1e3 <= shown[1] + 1e-6; tick += 1) {
      const seconds = tick * of;
      const x = left + ((seconds * 1e3 - shown[0]) / (shown[1] - shown[0])) * (right - left);
      const [grid, mark, label] = model.map((element) => element.cloneNode(true));
      for (const line of [grid, mark]) for (const name of ["x1", "x2"]) line.setAttribute(name, x);
      label.setAttribute("x", x);
      label.textContent = seconds.toFixed(Math.max(0, -Math.floor(Math.log10(of) + 1e-9))) + (drawn.length ? "" : " s");
      drawn.push(grid, mark, label);
    }
    ticks.replaceChildren(...drawn);
  };

  let bar = null;
  const look = (from, to) => {
    const least = Math.max(end / 2000, 1);
    const span = Math.min(Math.max(to - from, least), end);
    const start = Math.min(Math.max((from + to - span) / 2, 0), end - span);
    shown = span >= end ? [0, end] : [start, start + span];
    pictures.forEach(draw);
    const whole = shown[0] === 0 && shown[1] === end;
    if (bar) {
      bar.range.textContent = whole ? `all ${instant(end)}` : `${instant(shown[0])} – ${instant(shown[1])}`;
      bar.box.classList.toggle("zoomed", !whole);
      bar.out.disabled = bar.all.disabled = whole;
      if (whole) bar.jump.value = "";
    }
  };
  const zoom = (factor, around) => {
    const middle = around === undefined ? (shown[0] + shown[1]) / 2 : around;
    look(middle - (middle - shown[0]) / factor, middle + (shown[1] - middle) / factor);
  };
  const pan = (share) => {
    const by = (shown[1] - shown[0]) * share;
    const kept = Math.min(Math.max(by, -shown[0]), end - shown[1]);
    look(shown[0] + kept, shown[1] + kept);
  };

  const point = (ms) => {
    for (const picture of pictures) {
      if (!picture.cursor) {
        picture.cursor = make("line", { class: "cursor", y1: 0, y2: picture.height });
        picture.svg.append(picture.cursor);
      }
      picture.cursor.style.display = ms === null ? "none" : "";
      if (ms === null) continue;
      const x = picture.left + ((ms - shown[0]) / (shown[1] - shown[0])) * (picture.right - picture.left);
      picture.cursor.setAttribute("x1", x);
      picture.cursor.setAttribute("x2", x);
    }
  };
  const readout = (picture, ms) => {
    let text = "";
    for (const [from, told] of picture.told) {
      if (from > ms) break;
      text = told;
    }
    return text;
  };

  if (pictures.length && end > 0) {
    const button = (label, name, act) => {
      const made = make("button", { type: "button", "aria-label": name, title: name }, label);
      made.addEventListener("click", act);
      return made;
    };
    const box = make("div", { class: "zoom", role: "group", "aria-label": "Stretch of time shown in all pictures over time" });
    const range = make("output", {});
    const out = button("−", "show more time", () => zoom(0.5));
    const all = button("whole run", "show the whole run", () => look(0, end));
    const jump = make("select", { "aria-label": "look at a fault" });
    jump.append(make("option", { value: "" }, "look at a fault …"));
    for (const fault of JSON.parse(document.querySelector("#fault-list")?.textContent || "[]")) {
      jump.append(make("option", { value: fault.slice(0, 2).join(" ") }, fault[2]));
    }
    jump.addEventListener("change", () => {
      if (!jump.value) return look(0, end);
      const [from, to] = jump.value.split(" ").map(Number);
      const room = Math.max((to - from) * 0.15, 250);
      look(from - room, to + room);
    });
    box.append(make("span", {}, "Time shown: "), range, out, button("+", "show less time, larger", () => zoom(2)), all);
    if (jump.children.length > 1) box.append(jump);
    box.append(make("small", {}, "Drag over a picture, or focus it and press + − 0 ← →."));
    bar = { box, range, out, all, jump };
    pictures[0].svg.closest("figure").before(box);
    look(0, end);
  }

  for (const picture of pictures) {
    let from = null;
    let mark = null;
    const inside = (x) => x >= picture.left && x <= picture.right;
    picture.svg.addEventListener("pointerdown", (event) => {
      const x = inSheet(picture, event);
      if (event.pointerType === "touch" || event.button !== 0 || !inside(x)) return;
      from = x;
      mark = make("rect", { class: "chosen", x, y: 0, width: 0, height: picture.height });
      picture.svg.append(mark);
      picture.svg.setPointerCapture(event.pointerId);
      picture.svg.closest(".scroll")?.focus({ preventScroll: true });
      event.preventDefault();
    });
    picture.svg.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const x = Math.min(Math.max(inSheet(picture, event), picture.left), picture.right);
      mark.setAttribute("x", Math.min(from, x));
      mark.setAttribute("width", Math.abs(x - from));
    });
    const drop = (event) => {
      if (from === null) return;
      const [one, other] = [toMs(picture, from), toMs(picture, inSheet(picture, event))];
      const far = Math.abs(inSheet(picture, event) - from) > 24;
      mark.remove();
      from = null;
      if (far && event.type === "pointerup") look(Math.min(one, other), Math.max(one, other));
    };
    picture.svg.addEventListener("pointerup", drop);
    picture.svg.addEventListener("pointercancel", drop);
    picture.svg.addEventListener("dblclick", () => look(0, end));
    picture.svg.closest(".scroll")?.addEventListener("keydown", (event) => {
      const act = {
        "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "0": () => look(0, end),
        ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), Escape: () => look(0, end),
      }[event.key];
      const whole = shown[0] === 0 && shown[1] === end;
      // Unless something is zoomed, arrows scroll, as everywhere.
      if (!act || event.ctrlKey || event.metaKey || event.altKey || (whole && event.key.startsWith("Arrow"))) return;
      act();
      event.preventDefault();
    });
  }

  for (const svg of document.querySelectorAll("figure svg[role=img]")) {
    const picture = pictures.find((one) => one.svg === svg);
    svg.addEventListener("pointermove", (event) => {
      // What has nothing to tell, a label for one, lets through what lies below.
      const below = document.elementsFromPoint(event.clientX, event.clientY).filter((it) => it !== svg && svg.contains(it));
      let text = below.map(titleOf).find(Boolean) || "";
      if (picture) {
        const x = inSheet(picture, event);
        const over = x >= picture.left && x <= picture.right;
        const ms = over ? toMs(picture, x) : null;
        point(ms);
        const told = over ? readout(picture, ms) : "";
        if (over) text = [instant(ms), told, text].filter(Boolean).join("\n");
      }
      show(text, event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", () => {
      show("");
      if (picture) point(null);
    });
  }
  window.addEventListener("beforeprint", () => pictures.length && look(0, end));
})();
