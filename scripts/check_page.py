"""Opens pages of `mlp explain --html` in headless Chromium and checks them.

Every number against `mlp explain --json` to 1e-5, with every activation; a stroke on the pad against a forward pass in
NumPy; drawings of tests/golden/fit.json, prepared as Rust prepares photos, to the bit; images of other sizes, classes of
any name; stepping and drawing by keyboard; hovering, targets, the way back to the image; the step visible without scrolling
at 1366×768, captions and bars in their places; no errors, no requests, no sideways scrolling at 360 pixels, dark mode,
on paper. Small networks from files (`--net`): every number, drawn or computed, also with other inputs, targets and rows,
against `mlp explain --net --json`. Needs Chromium and a release build. Takes some minutes.

    cargo build --release
    python scripts/check_page.py
    python scripts/check_page.py --chromium /usr/bin/chromium --pictures FOLDER
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ["numpy", "playwright"]
parser = needs.parser(__doc__, NEEDED)
parser.add_argument("--mlp", type=Path, default=ROOT / "target/release/mlp")
parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
parser.add_argument("--pictures", type=Path, help="keep screenshots here")
parser.add_argument("--data-dir", type=Path, default=ROOT / "data")
parser.add_argument("cases", nargs="*", help="only these")
ARGS = parser.parse_args()
needs.check(NEEDED)
if not ARGS.chromium:
    sys.exit("found neither chromium nor google-chrome on the path: install it, or name it with --chromium")

import numpy as np
from playwright.sync_api import sync_playwright

TOLERANCE = 1e-5
QUICK = "--valid 59000 --epochs 2"
# What is trained (or, without, a network before training), and what is explained.
CASES = {
    "ce": ("--hidden 50 --epochs 1", "--index 0"),
    "smoothed": (f"--hidden 16,12 --label-smoothing 0.1 --activation tanh {QUICK}", "--index 1"),
    "onehot": (f"--hidden 20 --loss mse --activation scaled-tanh --lr 0.05 {QUICK}", "--index 2"),
    "digit": (f"--hidden 20 --loss mse --target digit --lr 0.01 {QUICK}", "--index 3"),
    "sigmoid-dropout": (f"--hidden 30,20 --activation sigmoid --dropout 0.2 {QUICK}", "--index 4 --split valid"),
    "leaky": (f"--hidden 20 --activation leaky-relu {QUICK}", "--index 6"),
    "gelu": (f"--hidden 20,10 --activation gelu {QUICK}", "--index 9"),
    "none": (f"--hidden 20,10 --activation none {QUICK}", "--index 10"),
    "softmax": (f"--hidden none {QUICK}", "--index 5"),
    "deslanted": (f"--hidden 20 --deslant {QUICK}", "--index 8"),
    "untrained": (None, "--hidden 4 --seed 1"),
    "deep": (None, "--hidden 9,8,7,6,5 --seed 2 --index 7 --lr 0.5"),
    "untrained-digit": (None, "--hidden 4 --loss mse --target digit"),
    "untrained-bce": (None, "--hidden 6 --loss bce --seed 3"),
    "untrained-bce-five": (None, "--hidden none --loss bce --index 8"),
}
FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
HOSTILE = ["<script>document.title = 'hacked'</script>", "a class with a name that is as long as a sentence and does not end: really", "é"]
# Rows, columns and classes of networks with weights by chance, for which there are no data.
OTHERS = {
    "fashion": (28, 28, FASHION),
    "small": (8, 8, [str(digit) for digit in range(10)]),
    "many": (28, 28, list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")),
    "wide": (20, 60, HOSTILE),
    "high": (40, 12, FASHION[:2]),
    "large": (200, 200, FASHION[:4]),
}
TWO_ROWS = {"x": [[1, -2, 0.5], [0.3, 0.2, -1]], "layers": [
    {"w": [[0.4, -0.2, 0.7], [-0.5, 0.6, 0.1], [0.2, 0.9, -0.8], [0.3, -0.1, 0.5]], "b": [0.1, -0.2, 0.05, 0], "activation": "ACTIVATION"},
    {"w": [[0.7, -0.6, 0.4, 0.9], [-0.3, 0.2, 0.8, -0.1]], "b": [0.25, -0.1], "activation": "none"}]}
# Small networks: files of the repository, or two rows with a hidden activation, targets and a loss.
NETS = {
    "net-mazur": ROOT / "examples/nets/mazur.json",
    "net-lesson": ROOT / "examples/nets/lesson-4-4-1.json",
    **{f"net-ce-{activation}": (activation, [[0, 1], [0.25, 0.75]], "ce", reduction) for activation, reduction in
       [("relu", "mean"), ("gelu", "sum"), ("none", "mean")]},
    **{f"net-bce-{activation}": (activation, [[0, 1], [0.25, 0.5]], "bce", reduction) for activation, reduction in
       [("leaky-relu", "mean"), ("tanh", "sum")]},
    **{f"net-mse-{activation}": (activation, [[1e6, -3.25], [0.125, 2]], "mse", reduction) for activation, reduction in
       [("scaled-tanh", "mean"), ("sigmoid", "sum"), ("none", "sum/2")]},
}
NET_NUMBERS = """() => ({
    modules: NETWORK.map(({ name, w, b }, m) => {
        const O = b?.length, matrix = values => Array.from({ length: values.length / O }, (_, p) => [...values.slice(p * O, (p + 1) * O)]);
        const of = (what, m) => state.pass.rows.map(row => [...row[what][m]]);
        const shared = { name, x: of('x', m), y: of('x', m + 1), dy: of('dx', m + 1), dx: of('dx', m) };
        const g = state.pass.gradients[m], after = state.after.network[m];
        return w ? { ...shared, w: matrix(w), b: [...b], dw: matrix(g.dw), db: [...g.db], after: { w: matrix(after.w), b: [...after.b] } } : shared;
    }),
    loss: state.pass.loss, loss_after: state.after.loss,
})"""
NUMBERS = """() => {
    const { modules, z, judged, loss, predicted } = state.pass;
    const step = steepestWeight(modules);
    return {
        modules: modules.map(({ name, x, y, dy, dx, w }) => ({
            name, x: [...x], y: [...y], dy: [...dy], dx: dx && [...dx],
            dw: w && Array.from(x, x => Array.from(dy, dy => x * dy)),
        })),
        outputs: [...z], predictions: [...judged.p], loss, predicted, greys: [...state.greys],
        step: { ...step, ...stepOf(state.pass, LOSS, step, state.rate) },
    };
}"""
checks = 0


def check(true, what):
    global checks
    checks += 1
    if not true:
        raise SystemExit(f"FAILED: {what}")


def close(found, expected, what):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    check(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    error = np.abs(found - expected).max(initial=0)
    check(error <= TOLERANCE, f"{what}: off by {error:.2e}")
    return error


def compare(page, expected, name):
    """Every number of the page against those of the library; the largest difference."""
    found = page.evaluate(NUMBERS)
    worst = [close(found["loss"], expected["loss"], f"{name}: loss"),
             close(found["predictions"], expected["predictions"], f"{name}: predictions"),
             close(found["outputs"], expected["losses"]["outputs"], f"{name}: outputs")]
    check(len(found["modules"]) == len(expected["modules"]), f"{name}: as many modules")
    for m, (ours, theirs) in enumerate(zip(found["modules"], expected["modules"])):
        check(ours["name"] == theirs["name"], f"{name}: module {m} is {theirs['name']}")
        for key in ["x", "y", "dy", "dx"]:
            check((ours[key] is None) == (theirs[key] is None), f"{name}: {m}.{key} is there")
            if theirs[key] is not None:
                worst.append(close(ours[key], theirs[key], f"{name}: {m}.{key}"))
        if theirs["gradients"]:
            worst.append(close(ours["dw"], theirs["gradients"]["weight"], f"{name}: {m}.dw"))
            worst.append(close(ours["dy"], theirs["gradients"]["bias"][0], f"{name}: {m}.db"))
    step, theirs = found["step"], expected["step"]
    check(f"{step['m']}.weight" == theirs["parameter"], f"{name}: the steepest weight")
    check([step["p"], step["u"]] == theirs["element"], f"{name}: the steepest weight")
    for ours, key in [("before", "before"), ("gradient", "gradient"), ("after", "after"), ("loss_after", "loss_after")]:
        worst.append(close(step[ours], theirs[key], f"{name}: step, {key}"))
    return max(worst)


def forward(page, greys):
    """The outputs of the network in the page, in NumPy alone."""
    data = json.loads(page.evaluate("document.getElementById('data').textContent"))
    decode = lambda text: np.frombuffer(base64.b64decode(text), "<f4").astype(float)
    y = data["scale"] * np.asarray(greys, float) + data["shift"]
    functions = {"ReLU": lambda x: np.maximum(x, 0), "Tanh": np.tanh, "Dropout": lambda x: x, "Identity": lambda x: x,
                 "ScaledTanh": lambda x: 1.7159 * np.tanh(2 * x / 3), "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "LeakyReLU": lambda x: np.where(x > 0, x, 0.01 * x),
                 "GELU": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))}
    for module in data["modules"]:
        if "weight" in module:
            b = decode(module["bias"])
            y = y @ decode(module["weight"]).reshape(-1, len(b)) + b
        else:
            y = functions[module["name"]](y)
    return y


def frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def binary(page):
    return page.evaluate("DATA.loss.kind === 'bce'")


def check_forward(page, what):
    frame(page)
    found = page.evaluate(NUMBERS)
    z = forward(page, found["greys"])
    close(found["outputs"], z, f"{what}: outputs")
    predicted = z.argmax() if len(z) > 1 else int(z[0] > 0) if binary(page) else int(np.clip(np.round(z[0]), 0, 9))
    check(found["predicted"] == predicted, f"{what}: taken for {predicted}")
    said = page.evaluate("c => isEmpty() ? '–' : shortened(DATA.classes[c], 30)", int(predicted))
    check(page.inner_text("#predicted") == said, f"{what}: the page says {said}")
    return found


def check_pad(page, name):
    """A stroke with the mouse, one by keyboard, other targets, and back to the image."""
    before = page.evaluate(NUMBERS)
    page.click("#clear")
    found = check_forward(page, f"{name}: empty pad")
    check(sum(found["greys"]) == 0, f"{name}: an empty pad is empty")
    check("Nothing is drawn" in page.inner_text("#summary"), f"{name}: an empty pad is taken for nothing")
    page.evaluate("document.getElementById('pad').scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = page.locator("#pad").bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.move(*at(0.3, 0.25))
    page.mouse.down()
    for x, y in [(0.7, 0.25), (0.45, 0.8)]:
        page.mouse.move(*at(x, y), steps=12)
    page.mouse.up()
    found = check_forward(page, f"{name}: a seven drawn with the mouse")
    rows, columns = page.evaluate("[DATA.rows, DATA.cols]")
    greys = np.asarray(found["greys"]).reshape(rows, columns)
    prepared = page.inner_text("#prepared")
    check(prepared.startswith("box ") and "; centre moved (" in prepared, f"{name}: what was done is said, {prepared}")
    check(greys.max() == 255 and len(np.unique(greys)) > min(20, greys.size / 8), f"{name}: ink with smooth edges")
    centre = [(greys * axis).sum() / greys.sum() for axis in np.indices(greys.shape)]
    check(np.abs(np.subtract(centre, [rows / 2, columns / 2])).max() < 0.6, f"{name}: centre of mass {centre}")
    ink = greys > 0.25 * greys.max()
    extent = [ink.any(1).sum(), ink.any(0).sum()]
    check(all(side <= (of * 20 + 14) // 28 + 1 for side, of in zip(extent, greys.shape)), f"{name}: a box of {extent}")
    wrong = lambda: "wrong" in (page.get_attribute("#verdict", "class") or "")
    check("No target" in page.inner_text("#summary") and page.input_value("#target") == "" and not wrong(), f"{name}: a drawing has no target")
    page.uncheck("#prepare")
    moved = check_forward(page, f"{name}: not prepared")
    check(moved["greys"] != found["greys"], f"{name}: not prepared is elsewhere")
    page.check("#prepare")
    classes = page.evaluate("DATA.classes")
    for target in [0, len(classes) - 1]:
        page.select_option("#target", str(target))
        frame(page)
        check(f"Target {classes[target]}" in page.evaluate("by('summary').textContent"), f"{name}: target {target} is said")
        check(wrong() == (page.evaluate("state.pass.predicted") != target), f"{name}: target {target} is judged")
    page.click("#clear")
    page.focus("#pad")
    page.keyboard.press("Space")
    for key in ["ArrowDown"] * 8 + ["ArrowRight"] * 4:
        page.keyboard.press(key)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    drawn = check_forward(page, f"{name}: drawn by keyboard")
    check(sum(drawn["greys"]) > 4 * rows * columns, f"{name}: the keyboard draws")
    check(page.evaluate("state.strokes.length === 1 && state.strokes[0].length === 13"), f"{name}: one stroke of 13 points")
    page.keyboard.press("Delete")
    check(sum(check_forward(page, name)["greys"]) == 0, f"{name}: Delete clears")
    page.click("#original")
    frame(page)
    page.select_option("#target", "1")
    page.mouse.move(*at(0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*at(0.2, 0.1))
    page.mouse.up()
    frame(page)
    check(page.input_value("#target") == "", f"{name}: what is drawn on the image has no target either")
    page.click("#undo")
    frame(page)
    check(page.evaluate(NUMBERS) == before, f"{name}: back at the original image, all is as before")


def check_golden(page):
    """Drawings to the pixels that Rust makes of them."""
    golden = json.loads((ROOT / "tests/golden/fit.json").read_text())
    for i, drawing in enumerate(golden):
        found = page.evaluate("""({ strokes, frame: [rows, cols] }) => {
            const pad = padOf(rows, cols), ink = inkOf(strokes, pad), { pixels, ...said } = fitted(ink, pad, { rows, cols });
            return { pad: [pad.rows, pad.cols], pen: pad.pen, ink: [sum(ink), [...ink].reduce((sum, v, i) => sum + i * v, 0)], pixels: [...pixels], ...said };
        }""", drawing)
        for key, value in found.items():
            check(value == drawing[key], f"drawing {i} of tests/golden/fit.json: {key} is Rust's")
    check(len(golden) >= 10, "there are drawings")


def remade(html, rows, cols, classes):
    """A page of the same layers for other images and classes, with weights by chance."""
    before, rest = html.split('id="data">', 1)
    data, after = rest.split("</script>", 1)
    data, rng = json.loads(data), np.random.default_rng(1)
    linear = [module for module in data["modules"] if "weight" in module]
    widths = [rows * cols, *[len(base64.b64decode(module["bias"])) // 4 for module in linear[:-1]], len(classes)]
    encode = lambda values: base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()
    for module, I, O in zip(linear, widths, widths[1:]):
        module |= {"weight": encode(rng.normal(0, np.sqrt(2 / I), (I, O))), "bias": encode(np.zeros(O))}
    row, col = np.indices((rows, cols))
    ring = np.hypot((row + 0.5) / rows - 0.5, (col + 0.5) / cols - 0.5)
    pixels = (255 * np.clip(1 - 8 * np.abs(ring - 0.3), 0, 1)).astype(np.uint8)
    data |= {"rows": rows, "cols": cols, "classes": classes, "label": len(classes) - 1,
             "pixels": base64.b64encode(pixels.tobytes()).decode()}
    return before + 'id="data">' + json.dumps(data).replace("<", "\\u003c") + "</script>" + after


def check_names(page, name, classes):
    """Every class is called by its name where it is chosen, in the drawing and in the table; nothing more comes of it."""
    check(page.title() != "hacked" and page.locator("script").count() == 2, f"{name}: names are no markup")
    check(page.locator("#target option").count() == len(classes) + 1, f"{name}: every class can be chosen")
    titles = page.evaluate("[...document.querySelectorAll('#net .class title')].map(t => t.textContent)")
    check(len(titles) == min(len(classes), 10) and set(titles) <= set(classes), f"{name}: names beside the bars, {titles}")
    check(classes[-1] in titles, f"{name}: the target is among them")
    said = page.evaluate("[by('kind').textContent, by('summary').textContent].join()")
    check(said.count(classes[-1]) >= 2, f"{name}: the target's name is said, {said}")
    page.evaluate("goTo(steps.findIndex(step => step.name === 'softmax'))")
    heads = page.evaluate("[...document.querySelectorAll('#step-numbers tbody th')].map(t => t.textContent)")
    check(heads == page.evaluate("DATA.classes.map(name => shortened(name, 18))"), f"{name}: names in the table")
    page.evaluate("goTo(0)")


def check_steps(page, name):
    """Through all steps and back by keyboard, hovering and walking on the way."""
    page.evaluate("document.activeElement.blur()")
    count = page.evaluate("steps.length")
    titles = [page.inner_text("#step-title")]
    for _ in range(count):
        page.keyboard.press("ArrowRight")
        titles.append(page.inner_text("#step-title"))
        check("NaN" not in page.inner_text("#panel") and "undefined" not in page.inner_text("#panel"), f"{name}: {titles[-1]} has numbers")
        for thing in page.evaluate("[...new Set([...document.querySelectorAll('#panel [data-thing]')].map(c => c.dataset.thing))].slice(0, 60)"):
            text = page.evaluate("thing => JSON.stringify(describe(thing))", thing)
            check("NaN" not in text and "undefined" not in text, f"{name}: {thing} is explained: {text}")
    check(len(dict.fromkeys(titles)) >= count - 2 and page.is_disabled("#forth"), f"{name}: {count} steps")
    page.locator("#panel [data-thing]").first.hover()
    check(page.inner_text("#words-lines") != "", f"{name}: hovering explains")
    for _ in range(count):
        page.keyboard.press("ArrowLeft")
    check(page.is_disabled("#back") and page.inner_text("#step-title") == titles[0], f"{name}: back to the first step")
    page.click("#forth")
    check(page.inner_text("#step-title") == titles[1], f"{name}: the button steps")
    cell = page.locator("#net [data-thing^='unit:']").first
    cell.focus()
    check(cell.get_attribute("data-thing").split(":")[0] == "unit" and "unit 0" in page.inner_text("#words-title"), f"{name}: focus explains")
    if page.evaluate("state.pass.z.length > 1"):
        page.keyboard.press("ArrowDown")
        check("unit 0" not in page.inner_text("#words-title"), f"{name}: the arrow keys walk")
    cell.focus()
    page.keyboard.press("Enter")
    check(page.evaluate("state.follow !== null"), f"{name}: Enter follows")
    page.keyboard.press("Escape")


def check_layout(page, name):
    """Every step, its formula and its first numbers are seen at 1366×768; nothing lies over anything."""
    page.set_viewport_size({"width": 1366, "height": 768})
    page.evaluate("scrollTo(0, 0)")
    for step in range(page.evaluate("steps.length")):
        page.evaluate("step => goTo(step)", step)
        bottoms = page.evaluate("""() => ['#step-title', '#step-formula', '#step-numbers [data-thing]', '#steps [aria-current]']
            .map(selector => document.querySelector(selector).getBoundingClientRect().bottom)""")
        check(max(bottoms) <= 768, f"{name}: step {step} is seen without scrolling, {bottoms}")
    page.evaluate("goTo(0)")
    for width in (390, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 844})
        frame(page)
        overlaps = page.evaluate("""() => {
            const box = e => e.getBoundingClientRect(), all = s => [...document.querySelectorAll(s)];
            const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
            const texts = all('#net text').filter(t => t.textContent), boxes = texts.map(box);
            const over = texts.filter((_, i) => boxes.some((other, j) => i !== j && meet(boxes[i], other)));
            const cells = all('#net .cell').map(box);
            const onCells = texts.filter((_, i) => cells.some(cell => cell.width > 0 && meet(cell, boxes[i])));
            const tracks = all('#net .bar').filter(bar => {
                const track = box(bar.previousSibling), inner = box(bar);
                return inner.left < track.left - 2 || inner.right > track.right + 2 || Math.abs(inner.bottom - track.bottom) > 2;
            });
            const papers = all('#net .block > .paper').map(box);
            const inside = t => papers.some(p => p.left <= t.left && t.right <= p.right && p.top <= t.top && t.bottom <= p.bottom);
            const onLines = upright.matches ? texts.filter((t, i) => t.textContent.includes('(1, ') && !inside(boxes[i])) : [];
            return [over, onCells, onLines, tracks].map(list => list.map(e => e.textContent || e.dataset.thing));
        }""")
        check(overlaps == [[], [], [], []], f"{name}: at {width} pixels all has its place, {overlaps}")


def check_looks(page, name):
    """No sideways scrolling, both themes, paper."""
    for width, scheme in [(360, "light"), (360, "dark"), (1280, "dark")]:
        page.set_viewport_size({"width": width, "height": 740})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        frame(page)
        check(page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: no sideways scrolling at {width}")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        check((sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark"), f"{name}: {scheme} is {ground}")
        if ARGS.pictures:
            ARGS.pictures.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=ARGS.pictures / f"{name}-{width}-{scheme}.png", full_page=True)
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 1000})
    frame(page)
    ink = page.evaluate("getComputedStyle(document.body).color")
    check(sum(map(int, ink[4:-1].split(","))) < 200, f"{name}: dark ink on paper, {ink}")


def near(found, expected, what):
    """Both sides are computed in double precision, in another order."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    check(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    error = (np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max(initial=0)
    check(error <= 1e-12, f"{what}: off by {error:.2e}")
    return error


def compare_net(page, expected, name):
    """Every number of the page of a small network against those of the library; the largest difference."""
    found = page.evaluate(NET_NUMBERS)
    check(len(found["modules"]) == len(expected["modules"]), f"{name}: as many modules")
    worst = [near(found["loss"], expected["loss"], f"{name}: loss"),
             near(found["loss_after"], expected["after_step"]["loss"], f"{name}: loss after")]
    for m, (ours, theirs) in enumerate(zip(found["modules"], expected["modules"])):
        check(ours["name"] == theirs["name"], f"{name}: module {m} is {theirs['name']}")
        keys = ["x", "y", "dy", "dx", *(["w", "b", "dw", "db"] if "w" in theirs else [])]
        worst += [near(ours[key], theirs[key], f"{name}: {m}.{key}") for key in keys]
        for key, values in ours.get("after", {}).items():
            worst.append(near(values, expected["after_step"]["params"][f"{m}.{key}"], f"{name}: {m}.{key} after"))
    return max(worst)


def drawn(page):
    return page.evaluate("Object.fromEntries(numbers.map(({ text, name }) => [name, text.textContent]))")


def check_net_layout(page, name):
    """Nothing lies over anything in the drawing, nor stands outside; no sideways scrolling."""
    for width in (1300, 360):
        page.set_viewport_size({"width": width, "height": 800})
        found = page.evaluate("""() => {
            const box = e => e.getBoundingClientRect();
            const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
            const texts = [...NET.querySelectorAll('text')].filter(t => t.textContent), boxes = texts.map(box), paper = box(NET);
            const over = texts.filter((_, i) => boxes.some((other, j) => i !== j && meet(boxes[i], other)));
            const outside = texts.filter((_, i) => boxes[i].left < paper.left || boxes[i].right > paper.right || boxes[i].bottom > paper.bottom);
            return [over, outside].map(list => list.map(e => e.textContent));
        }""")
        check(found == [[], []], f"{name}: at {width} pixels all has its place, {found}")
        check(page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: no sideways scrolling at {width}")
    for scheme in ("light", "dark"):
        page.set_viewport_size({"width": 1300, "height": 800})
        page.emulate_media(color_scheme=scheme)
        if ARGS.pictures:
            ARGS.pictures.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=ARGS.pictures / f"{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")


def check_net(browser, mlp, folder, name, net):
    """A small network: its numbers, those of its drawing, other inputs and targets, all of its steps."""
    if isinstance(net, tuple):
        activation, t, loss, reduction = net
        net = json.loads(json.dumps(TWO_ROWS).replace("ACTIVATION", activation)) | {"t": t, "loss": loss, "reduction": reduction}
    else:
        net = json.loads(net.read_text())
    (folder / f"{name}.json").write_text(json.dumps(net))
    explain = lambda *words: mlp("explain", "--net", f"{name}.json", *words)
    expected = json.loads(explain("--json"))
    last = len(net["x"]) - 1
    explain("--html", f"{name}.html", "--row", str(last))
    path = folder / f"{name}.html"
    written = dict(re.findall(r'data-number="([^"]+)">([^<]*)<', path.read_text(encoding="utf-8")))
    with opened(browser, path, name) as page:
        worst = compare_net(page, expected, name)
        check(len(written) > 8 and drawn(page) == written, f"{name}: the page writes numbers as the drawing does")
        check(page.locator(".looked").count() == 0, f"{name}: nothing is looked at yet")
        for step in range(page.evaluate("steps.length")):
            page.keyboard.press("ArrowRight")
            text = page.inner_text("#panel")
            check(not re.search("NaN|undefined|Infinity", text), f"{name}: step {step} has numbers, {text}")
        check(page.is_disabled("#forth"), f"{name}: the last step")
        for thing in page.evaluate("[...new Set([...document.querySelectorAll('[data-thing]')].map(c => c.dataset.thing))]"):
            text = page.evaluate("thing => JSON.stringify(describe(thing))", thing)
            check(not re.search("NaN|undefined|Infinity", text), f"{name}: {thing} is explained, {text}")
        page.locator("[data-thing^='unit:'] [data-number]").first.hover()
        check(page.inner_text("#words-title").startswith("unit "), f"{name}: hovering explains")
        check_net_layout(page, name)
        # Another input and other targets, in the page and in the file.
        page.fill("#inputs input >> nth=0", "-1.75")
        net["x"][last][0] = -1.75
        if net["loss"] != "ce":
            page.fill("#targets input >> nth=0", "0.375")
            net["t"][last][0] = 0.375
        else:
            page.fill("#targets input >> nth=0", "0.375")
            check("probabilities" in page.inner_text("#trouble"), f"{name}: targets that are none are refused")
            page.fill("#targets input >> nth=1", "0.625")
            net["t"][last] = [0.375, 0.625]
        check(page.inner_text("#trouble") == "", f"{name}: nothing to complain about")
        page.fill("#rate", "0.25")
        (folder / f"{name}.json").write_text(json.dumps(net))
        worst = max(worst, compare_net(page, json.loads(explain("--json", "--lr", "0.25")), f"{name}, other numbers"))
        explain("--html", f"{name}.html", "--row", str(last), "--force", "--lr", "0.25")
        changed = dict(re.findall(r'data-number="([^"]+)">([^<]*)<', path.read_text(encoding="utf-8")))
        fits = lambda text, of: text == of or abs(float(text) - float(of)) <= 0.1 * abs(float(of))
        check(all(fits(text, changed[key]) for key, text in drawn(page).items()), f"{name}: other numbers are drawn")
        check_net_layout(page, f"{name}-changed")
        if last:
            page.select_option("#row", "0")
            check(drawn(page)["x:0"] == page.evaluate("num(DATA.x[0][0])"), f"{name}: another row is drawn")
            check("row 0 of" in page.evaluate("NET.textContent"), f"{name}: its number is said")
            page.select_option("#row", str(last))
        page.fill("#inputs input >> nth=0", "1e300")
        frame(page)
        check_net_layout(page, f"{name}-huge")
        page.click("#original")
        compare_net(page, expected, f"{name}, as in the file")
        check(drawn(page) == written, f"{name}: back at the file, all is as before")
    print(f"{name:16} {path.stat().st_size:>8,} bytes  every number within {worst:.1e}")


@contextmanager
def opened(browser, path, name):
    """The page, which must neither complain nor ask for anything."""
    troubles = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    yield page
    check(not troubles, f"{name}: {troubles}")
    page.close()


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        mlp = lambda *words: subprocess.run([ARGS.mlp.resolve(), *words, "--data-dir", ARGS.data_dir.resolve()], cwd=folder, check=True,
                                            capture_output=True, text=True).stdout
        browser = playwright.chromium.launch(executable_path=ARGS.chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, net in NETS.items():
            if not ARGS.cases or name in ARGS.cases:
                check_net(browser, mlp, Path(folder), name, net)
        path = Path(folder, "first.html")
        mlp("explain", "--hidden", "20", "--html", path.name)
        html = path.read_text(encoding="utf-8")
        with opened(browser, path, "golden") as page:
            check_golden(page)
        print("golden           drawings are prepared to the bit")
        for name, (rows, cols, classes) in OTHERS.items():
            if ARGS.cases and name not in ARGS.cases:
                continue
            path = Path(folder, f"{name}.html")
            path.write_text(remade(html, rows, cols, classes), encoding="utf-8")
            with opened(browser, path, name) as page:
                check_forward(page, name)
                check_names(page, name, classes)
                check_pad(page, name)
                check_steps(page, name)
                check_layout(page, name)
                check_looks(page, name)
            print(f"{name:16} {rows}×{cols} pixels, {len(classes)} classes")
        for name, (train, explain) in CASES.items():
            if ARGS.cases and name not in ARGS.cases:
                continue
            words = explain.split()
            if train:
                mlp("train", *train.split(), "--out", f"{name}.bin")
                words = [f"{name}.bin", *words]
            expected = json.loads(mlp("explain", *words, "--json"))
            mlp("explain", *words, "--html", f"{name}.html")
            path = Path(folder, f"{name}.html")
            with opened(browser, path, name) as page:
                worst = compare(page, expected, name)
                check_pad(page, name)
                check_steps(page, name)
                check_layout(page, name)
                check_looks(page, name)
            print(f"{name:16} {path.stat().st_size:>8,} bytes  every number within {worst:.1e}")
        browser.close()
    print(f"{checks} checks passed")


if __name__ == "__main__":
    main()
