// Draws a circuit from the blocks that it is made of, and follows the sliders while they move.
// A gate is [name, wires, trained]: how many trained angles it takes, or these angles in radians.

const ROW = 46
const COLUMN = 52
const WIDE = 74 // a column whose gates show more than one angle
const LEFT = 34
const TOP = 20 // room for "× 6" above layers that are drawn once
const FULL = 0.6 // opacity of the largest angle's colour, under black or white letters
const LARGEST = 1.5 // to which the dialog can enlarge what is drawn
const SVG = "http://www.w3.org/2000/svg"
const THUMBS = ["n_qubits", "q_depth"].map(name => `.st-key-${name} input[type="range"]`)

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  if (!root.picture) build(root)
  root.data = data
  root.choices = choices(data.choices)
  draw(root)
}

// --- what is shown ---------------------------------------------------------------------------------------------------

/** Show the circuit that the sliders stand at, which may be ahead of what the server knows. */
async function draw(root) {
  const { blocks, caption, planned } = root.data
  const [wires, depth] = THUMBS.map(thumb => Number(document.querySelector(thumb)?.value))
  const isKnown = !wires || !depth || (wires === blocks.wires && depth === blocks.layers.length)
  const shown = isKnown ? blocks : withSize(await root.choices, wires, depth)
  if (!shown) return // such a circuit cannot be, which the form explains
  root.blocks = shown
  root.caption = isKnown ? caption : planned
  paint(root)
}

function paint(root) {
  const { blocks, caption } = root
  const room = root.picture.clientWidth || Infinity
  const isLong = widthOf(parts(blocks, false)) + 2 * COLUMN > room && parts(blocks, true).some(part => part.times > 1)
  const isFolded = isLong && !root.every.isPressed
  const drawn = JSON.stringify([blocks, caption, isFolded, isLong])
  if (root.drawn === drawn) return
  root.drawn = drawn
  root.every.hidden = !isLong
  root.every.textContent = root.every.isPressed ? "fold layers" : "unfold layers"
  const counts = summary(blocks)
  const largest = largestAngle(blocks)
  const colours = largest ? ` Blue is below zero, orange above, full colour ±${largest.toFixed(2)}.` : ""
  root.counts.replaceChildren(counts, document.createElement("br"), caption + colours)
  root.picture.ariaLabel = `Circuit of ${blocks.wires} qubits: ${counts}`
  root.picture.replaceChildren(wireLabels(blocks.wires), drawing(blocks, parts(blocks, isFolded)))
  if (root.dialog.open) fill(root)
}

function build(root) {
  root.innerHTML =
    '<div class="headline"><h2>Circuit</h2><button type="button" class="enlarge" aria-haspopup="dialog" ' +
    'aria-label="Show all of the circuit">enlarge</button>' +
    '<button type="button" class="enlarge" hidden></button></div>' +
    '<div class="scroll circuit" role="img" tabindex="0"></div><div class="quiet"><small></small></div>'
  root.picture = root.querySelector(".scroll")
  root.counts = root.querySelector("small")
  const [button, every] = root.querySelectorAll("button")
  root.every = every
  every.onclick = () => {
    every.isPressed = !every.isPressed
    paint(root)
  }
  root.dialog = document.createElement("dialog")
  root.dialog.className = "panel"
  root.dialog.innerHTML =
    '<div class="scroll circuit" role="img"></div><form method="dialog"><label>Zoom <input type="range" min="100" ' +
    'value="100"></label><a download="circuit.svg">Save as SVG</a><button autofocus>Close</button></form>'
  root.dialog.onclose = () => button.focus()
  root.dialog.querySelector("input").oninput = ({ target }) => {
    root.dialog.querySelector("svg").style.width = `${target.value}%`
  }
  root.after(root.dialog)
  button.onclick = () => {
    fill(root)
    root.dialog.showModal()
  }
  new ResizeObserver(() => root.blocks && paint(root)).observe(root.picture)
  const moved = new MutationObserver(() => root.isConnected ? draw(root) : moved.disconnect())
  moved.observe(document.body, { subtree: true, attributeFilter: ["aria-valuetext"] })
}

function fill(root) {
  const place = root.dialog.querySelector("div")
  place.ariaLabel = root.picture.ariaLabel
  const svg = drawing(root.blocks, parts(root.blocks, false), true)
  place.replaceChildren(svg)
  const zoom = root.dialog.querySelector("input")
  zoom.max = Math.max(200, Math.round((LARGEST * 100 * svg.getAttribute("width")) / innerWidth))
  zoom.value = 100
  root.dialog.ariaLabel = root.picture.ariaLabel
  root.dialog.querySelector("a").href = root.data.file
}

// --- blocks ----------------------------------------------------------------------------------------------------------

const fetched = new Map()

/** Blocks of circuits of every size, by the address that gives them; asked for once. */
function choices(address) {
  if (!fetched.has(address)) fetched.set(address, fetch(address).then(answer => (answer.ok ? answer.json() : {})))
  return fetched.get(address)
}

/** The blocks of a circuit of that size, without trained angles; undefined where there is none. */
function withSize({ sizes, embedded }, wires, depth) {
  if (!sizes?.[wires] || !embedded[depth]) return undefined
  const { layers, ...rest } = sizes[wires]
  const all = Array.from({ length: depth }, (_, index) => layers[index % layers.length])
  return { ...rest, wires, layers: all, embedded: embedded[depth], period: layers.length }
}

/** What is drawn from left to right: gates in columns, and how often they come; folded, equal layers are drawn once. */
function parts(blocks, isFolded) {
  const drawn = []
  let opening = blocks.preparation
  for (let layer = 0; layer < blocks.layers.length; ) {
    if (blocks.embedded.includes(layer)) opening = [...opening, ...blocks.embedding]
    if (opening.length) drawn.push(part(blocks.wires, [opening]))
    opening = []
    const end = blocks.embedded.find(index => index > layer) ?? blocks.layers.length
    const times = isFolded ? Math.max(1, Math.floor((end - layer) / blocks.period)) : 1
    const each = times > 1 ? blocks.period : 1
    const repeats = Array.from({ length: times }, (_, turn) =>
      blocks.layers.slice(layer + turn * each, layer + (turn + 1) * each).flat()
    )
    drawn.push(part(blocks.wires, repeats))
    layer += times * each
  }
  return drawn
}

/** One part: the gates of its first repeat, each with the trained angles of all repeats. */
function part(wires, repeats) {
  const gates = repeats[0].map(([name, on, trained], index) => {
    const angles = Array.isArray(trained) ? repeats.map(gates => gates[index][2]) : []
    return { name, on, angles }
  })
  const columns = inColumns(wires, gates, ({ on }) => [Math.min(...on), Math.max(...on)])
  const isWide = column => column.some(({ name, angles }) => name === "Rot" && angles.length === 1)
  return { columns, widths: columns.map(column => (isWide(column) ? WIDE : COLUMN)), times: repeats.length }
}

/** Gates by columns: each in the first one in which all wires that it takes are free. */
function inColumns(wires, gates, extent) {
  const free = new Array(wires).fill(0)
  const columns = []
  for (const gate of gates) {
    const [from, to] = extent(gate)
    const column = Math.max(...free.slice(from, to + 1))
    free.fill(column + 1, from, to + 1)
    ;(columns[column] ??= []).push(gate)
  }
  return columns
}

/** "4 H, 28 RY, 18 CNOT · depth 17 · 24 trained angles". */
function summary({ wires, preparation, embedding, embedded, layers }) {
  const gates = layers.flatMap((layer, index) => [...(embedded.includes(index) ? embedding : []), ...layer])
  const names = new Map()
  const free = new Array(wires).fill(0)
  let angles = 0
  for (const [name, on, trained] of [...preparation, ...gates]) {
    names.set(name, (names.get(name) ?? 0) + 1)
    const moment = 1 + Math.max(...on.map(wire => free[wire]))
    for (const wire of on) free[wire] = moment
    angles += Array.isArray(trained) ? trained.length : trained
  }
  const counts = [...names].map(([name, count]) => `${count} ${name}`).join(", ")
  return `${counts} · depth ${Math.max(...free)} · ${angles} trained angles`
}

// --- drawing ---------------------------------------------------------------------------------------------------------

const widthOf = parts => parts.flatMap(part => part.widths).reduce((sum, each) => sum + each, 0)

/** The numbers of the wires, which stay in sight while the circuit is scrolled. */
function wireLabels(wires) {
  const svg = canvas(LEFT - 12, wires)
  svg.classList.add("wires")
  for (let wire = 0; wire < wires; wire++) svg.append(label(wire))
  return svg
}

const label = wire => element("text", { x: 12, y: middle(wire), class: "wire" }, String(wire))
const middle = wire => TOP + ROW * (wire + 0.5)

function canvas(width, wires) {
  const height = TOP + ROW * wires
  return element("svg", { width, height, viewBox: `0 0 ${width} ${height}` })
}

function drawing(blocks, parts, isLabelled = false) {
  const { wires } = blocks
  const largest = largestAngle(blocks)
  const left = isLabelled ? LEFT : 8
  const width = left + widthOf(parts) + COLUMN
  const svg = canvas(width, wires)
  for (let wire = 0; wire < wires; wire++) {
    if (isLabelled) svg.append(label(wire))
    svg.append(element("line", { x1: left - 8, y1: middle(wire), x2: width - 4, y2: middle(wire) }))
  }
  let x = left
  for (const { columns, widths, times } of parts) {
    if (times > 1) bracket(svg, x, widths, blocks, times)
    for (const [index, column] of columns.entries()) {
      for (const gate of column) drawGate(svg, gate, x + widths[index] / 2, widths[index] - 10, largest)
      x += widths[index]
    }
  }
  for (let wire = 0; wire < wires; wire++) measurement(svg, x + COLUMN / 2, middle(wire))
  return svg
}

function bracket(svg, x, widths, { wires, period }, times) {
  const width = widths.reduce((sum, each) => sum + each, 0)
  const frame = { x: x + 1, y: TOP - 3, width: width - 2, height: ROW * wires + 2, rx: 6, class: "repeated" }
  svg.append(element("rect", frame))
  const text = period === 1 ? `layer × ${times}` : `${period} layers × ${times}`
  svg.append(element("text", { x: x + 3, y: TOP / 2 - 2, class: "times" }, text))
}

function drawGate(svg, { name, on, angles }, x, width, largest) {
  const [y, target] = on.map(middle)
  if (name === "CNOT") {
    svg.append(element("line", { x1: x, y1: y, x2: x, y2: target + 10 * Math.sign(target - y) }))
    svg.append(element("circle", { cx: x, cy: y, r: 4, class: "control" }))
    svg.append(element("circle", { cx: x, cy: target, r: 10 }))
    svg.append(element("line", { x1: x - 10, y1: target, x2: x + 10, y2: target }))
    return
  }
  const box = { x: x - width / 2, y: y - 16, width, height: 32, rx: 3 }
  svg.append(element("rect", box))
  colourAngles(svg, angles.flat(), largest, box)
  svg.append(element("rect", { ...box, class: "frame" }))
  const text = angles.length === 1 ? angles[0].map(inDigits).join(" ") : ""
  svg.append(element("text", { x, y: text ? y - 7 : y }, name))
  if (text) svg.append(element("text", { x, y: y + 8, class: "angle" }, text))
}

/** The largest of the trained angles, in radians; 0 where none are known. */
function largestAngle({ layers }) {
  const angles = layers.flat().flatMap(([, , trained]) => (Array.isArray(trained) ? trained : []))
  return Math.max(0, ...angles.map(Math.abs))
}

const inDigits = angle => angle.toFixed(2).replace("-", "−")

/** One stripe an angle: blue below zero, orange above, the stronger the larger. */
function colourAngles(svg, angles, largest, { x, y, width, height }) {
  for (const [index, angle] of angles.entries()) {
    const stripe = { x: x + (index * width) / angles.length, y, width: width / angles.length, height }
    const strength = largest ? (FULL * Math.abs(angle)) / largest : 0
    svg.append(element("rect", { ...stripe, class: angle < 0 ? "below" : "above", "fill-opacity": strength }))
  }
}

function measurement(svg, x, y) {
  svg.append(element("rect", { x: x - 17, y: y - 14, width: 34, height: 28, rx: 3 }))
  svg.append(element("path", { d: `M ${x - 11} ${y + 6} A 11 11 0 0 1 ${x + 11} ${y + 6}` }))
  svg.append(element("line", { x1: x, y1: y + 6, x2: x + 8, y2: y - 8 }))
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  return made
}
