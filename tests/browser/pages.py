"""Opens pages of jetlag in Chromium and says what is wrong with them. `scripts/browser` calls this."""

import argparse
import base64
import os
import pathlib
import sys

from chromium import Chromium

try:
    import html5lib
except ImportError:
    html5lib = None

BYTES_MAX = 3_000_000
# What is opened when no page is named.
GOLDEN = ["safe/report.html", "resume/report.html", "comparison.html"]
WIDE, PHONE = (1200, 900), (390, 844)

# Labels of one picture that touch: pairs of their texts. What lies outside of the stretch that is shown is cut off.
TOUCHING = """(() => {
  const found = [];
  for (const svg of document.querySelectorAll('figure svg[role=img]')) {
    const sheet = svg.getBoundingClientRect();
    const scale = sheet.width / svg.viewBox.baseVal.width;
    const [left, right] = svg.dataset.time ? svg.dataset.time.split(' ').map((x) => sheet.left + Number(x) * scale) : [-1e9, 1e9];
    const boxes = [...svg.querySelectorAll('text')].map((text) => {
      const box = text.getBoundingClientRect();
      // A line of text is higher than its letters.
      return { text: text.textContent.trim(), moves: Boolean(text.closest('.over-time')), left: box.left + 1, right: box.right - 1,
        top: box.top + box.height * 0.22, bottom: box.bottom - box.height * 0.22 };
    }).filter((box) => !box.moves || (box.right > left && box.left < right));
    for (const [number, one] of boxes.entries()) {
      for (const other of boxes.slice(number + 1)) {
        if (one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom)
          found.push(`${svg.closest('figure').id}: "${one.text}" and "${other.text}"`);
      }
      if (!one.moves && (one.left < sheet.left - 2 || one.right > sheet.right + 2)) found.push(`${svg.closest('figure').id}: "${one.text}" leaves the sheet`);
    }
  }
  return found.slice(0, 12);
})()"""

# What a reader without eyes, or without a mouse, needs.
STRUCTURE = """(() => {
  const found = [];
  const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => found.push(`two elements are called ${id}`));
  if (document.querySelectorAll('h1').length !== 1) found.push('there is not one h1');
  if (!document.documentElement.lang) found.push('no language');
  let level = 1;
  for (const heading of document.querySelectorAll('h1,h2,h3,h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) found.push(`h${next} "${heading.textContent}" follows h${level}`);
    level = next;
  }
  for (const svg of document.querySelectorAll('svg[role=img]')) if (!svg.getAttribute('aria-label')) found.push('a picture without words');
  for (const cell of document.querySelectorAll('thead th')) if (!cell.scope) found.push(`a head without scope: ${cell.textContent}`);
  for (const it of document.querySelectorAll('.scroll')) {
    if (it.scrollWidth > it.clientWidth + 1 && it.tabIndex < 0) found.push('keys cannot scroll ' + it.textContent.trim().slice(0, 40));
  }
  const wide = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 1) {
    const edge = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll('main *')].filter((it) => it.getBoundingClientRect().right > edge + 1 && !it.closest('.scroll'));
    found.push(`the page is ${wide} pixels wider than the window, for ${out.slice(0, 3).map((it) => it.tagName + '.' + it.className + ' ' + it.textContent.trim().slice(0, 30))}`);
  };
  for (const it of document.querySelectorAll('[src],[href]')) {
    const to = it.getAttribute('src') || it.getAttribute('href');
    if (/^([a-z]+:)?\\/\\//i.test(to)) found.push(`it points outside: ${to}`);
  }
  return found;
})()"""

# Text that is hard to read against the page: ratios of luminance below those of WCAG AA.
PALE = """(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (it) => {
    for (; it; it = it.parentElement) {
      const color = channels(getComputedStyle(it).backgroundColor);
      if (color.length && color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const it of document.querySelectorAll('p,li,dt,dd,th,td,h1,h2,h3,summary,small,.badge,button,select,output,a')) {
    if (it.disabled || !it.textContent.trim() || !it.getClientRects().length) continue;
    const [one, other] = [luminance(channels(getComputedStyle(it).color)), luminance(ground(it))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) found.add(`${it.tagName} ${it.className}: ${ratio.toFixed(1)}`);
  }
  return [...found].slice(0, 8);
})()"""

CENTER = """(() => {{
  const it = {what};
  it.scrollIntoView({{ block: 'center' }});
  const box = it.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2, box.width];
}})()"""

SHAPE = "document.querySelector('svg[data-time]').innerHTML.replace(/<clipPath.*?<\\/clipPath>| clip-path=\"[^\"]*\"|<line class=\"cursor\".*?<\\/line>|<title>.*?<\\/title>/g, '')"
RANGE = "document.querySelector('.zoom output').textContent"


def markup(page):
    """What a strict parser objects to."""
    if html5lib is None:
        return []
    parser = html5lib.HTMLParser()
    parser.parse(page.read_bytes(), transport_encoding="utf-8")
    return [f"markup, line {at[0]}: {html5lib.constants.E[code] % data}" for at, code, data in parser.errors[:8]]


def outside(browser, url):
    """What was fetched beside the page, and what went wrong in its console."""
    found = []
    for event in browser.events:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent" and not params["request"]["url"].startswith((url, "about:", "data:")):
            found.append(f"it asked for {params['request']['url']}")
        if event["method"] == "Runtime.exceptionThrown":
            found.append(f"exception: {params['exceptionDetails'].get('exception', {}).get('description', '?')}")
        if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            found.append(f"console: {params['entry']['text']}")
        if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            found.append(f"console: {params['args']}")
    return found


def hover(browser):
    """Pointing at a stretch says whose it is."""
    x, y, _ = browser.value(CENTER.format(what=(
        "[...document.querySelectorAll('#ownership .over-time rect')].find((it) => /epoch/.test(it.textContent) && it.getBoundingClientRect().width > 20)"
    )))
    browser.mouse("mouseMoved", x, y)
    tip = browser.value("(() => { const tip = document.querySelector('.tip'); return tip && !tip.hidden ? tip.textContent : '' })()")
    found = [] if "partition" in tip and "epoch" in tip else [f"pointing at a stretch tells {tip!r}"]
    browser.mouse("mouseMoved", 2, 2)
    if not browser.value("document.querySelector('.tip').hidden"):
        found.append("what was told stays when the pointer has gone")
    return found


def zoom(browser):
    """Dragging, keys, buttons and the list of faults stretch time, and the way back is exact."""
    found = []
    before, whole = browser.value(SHAPE), browser.value(RANGE)
    x, y, width = browser.value(CENTER.format(what="document.querySelector('svg[data-time]')"))
    browser.drag((x, y), (x + width * 0.2, y))
    if browser.value(RANGE) == whole:
        found.append("dragging over a picture shows no other time")
    if browser.value(SHAPE) == before:
        found.append("dragging over a picture changes nothing in it")
    found += [f"zoomed by dragging: {it}" for it in browser.value(TOUCHING)]
    named = "[...document.querySelectorAll('#ownership [data-hold]')].some((it) => it.getAttribute('transform'))"
    if browser.value("Boolean(document.querySelector('#ownership [data-hold]'))") and not browser.value(named):
        found.append("zoomed by dragging: no owner's name has moved")
    browser.value("document.querySelector('svg[data-time]').closest('.scroll').focus()")
    for key, changes in [("+", True), ("ArrowLeft", True), ("ArrowRight", True), ("-", True), ("0", True)]:
        was = browser.value(RANGE)
        browser.key(key)
        if (browser.value(RANGE) != was) != changes:
            found.append(f"the key {key} did not do what it should")
    if browser.value(RANGE) != whole or browser.value(SHAPE) != before:
        found.append("the key 0 does not bring the picture back as it was")
    faults = browser.value("document.querySelectorAll('.zoom option').length")
    for at in range(1, faults):
        browser.value(f"(() => {{ const list = document.querySelector('.zoom select'); list.selectedIndex = {at}; list.dispatchEvent(new Event('change')) }})()")
        if browser.value(RANGE) == whole:
            found.append(f"looking at fault {at} shows no other time")
        found += [f"looking at fault {at}: {it}" for it in browser.value(TOUCHING)]
    browser.value("[...document.querySelectorAll('.zoom button')].find((it) => /whole/.test(it.textContent)).click()")
    if browser.value(SHAPE) != before:
        found.append("the button does not bring the picture back as it was")
    return found


def size(browser, wide):
    """A window of this size."""
    browser.ask("Emulation.setDeviceMetricsOverride", width=wide[0], height=wide[1], deviceScaleFactor=1, mobile=wide == PHONE)


def theme(browser, name):
    """Light or dark."""
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])


def shoot(browser, folder, name):
    """The whole page as a picture."""
    shot = browser.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def check(browser, page, folder):
    """Everything that is wrong with one page."""
    url = page.resolve().as_uri()
    found = markup(page)
    if page.stat().st_size > BYTES_MAX:
        found.append(f"{page.stat().st_size} bytes are too many")
    name = f"{page.parent.name}-{page.stem}"
    for wide, colors in [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light")]:
        size(browser, wide)
        theme(browser, colors)
        browser.open(url)
        where = f"{wide[0]} wide, {colors}"
        found += [f"{where}: {it}" for check in [TOUCHING, STRUCTURE, PALE] for it in browser.value(check)]
        if folder:
            shoot(browser, folder, f"{name}-{'phone' if wide == PHONE else colors}")
        if (wide, colors) == (WIDE, "light"):
            # Where nobody owns anything, no stretch has an owner.
            if browser.value("[...document.querySelectorAll('#ownership .over-time title')].some((it) => /epoch/.test(it.textContent))"):
                found += hover(browser)
            if browser.value("Boolean(document.querySelector('svg[data-time]'))"):
                found += zoom(browser)
        found += [f"{where}: {it}" for it in outside(browser, url)]
    return found


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--screenshots", type=pathlib.Path, help="keep pictures of the pages in this folder")
    words.add_argument("pages", nargs="*", type=pathlib.Path)
    args = words.parse_args()
    golden = pathlib.Path(__file__).parents[1] / "golden"
    args.pages = args.pages or [golden / name for name in GOLDEN]
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    browser = Chromium(os.environ.get("CHROMIUM", "chromium"))
    wrong = 0
    try:
        for page in args.pages:
            try:
                found = check(browser, page, args.screenshots)
            except RuntimeError as error:
                # A page whose script broke down answers nothing; what its console said tells more.
                found = [str(error), *outside(browser, page.resolve().as_uri())]
            wrong += len(found)
            print(f"{page}: {'well' if not found else f'{len(found)} wrong'}")
            for it in found:
                print(f"  {it}")
    finally:
        browser.close()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
