// Draws a circuit from its gates: each gate in the first column in which all wires that it covers are free.

const ROW = 46
const COLUMN = 52
const WIDE = 74 // a column whose gates show more than one angle
const LEFT = 34
const SVG = "http://www.w3.org/2000/svg"

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  const shown = JSON.stringify(data)
  if (root.shown === shown) return
  root.shown = shown
  if (!root.picture) build(root)
  root.counts.replaceChildren(data.counts, document.createElement("br"), data.caption)
  root.file = data.file
  root.picture.ariaLabel = data.what
  root.picture.replaceChildren(drawing(data))
  root.dialog.ariaLabel = data.what
  if (root.dialog.open) fill(root)
}

function build(root) {
  root.innerHTML =
    '<div class="headline"><h2>Circuit</h2><button type="button" class="enlarge" aria-haspopup="dialog" ' +
    'aria-label="Show all of the circuit">show all of it</button></div>' +
    '<div class="scroll circuit" role="img" tabindex="0"></div><div class="quiet"><small></small></div>'
  root.picture = root.querySelector(".scroll")
  root.counts = root.querySelector("small")
  const button = root.querySelector(".enlarge")
  root.dialog = document.createElement("dialog")
  root.dialog.className = "panel"
  root.dialog.innerHTML =
    '<div class="scroll circuit" role="img"></div>' +
    '<form method="dialog"><a download="circuit.svg">Save as SVG</a><button autofocus>Close</button></form>'
  root.dialog.onclose = () => button.focus()
  root.after(root.dialog)
  button.onclick = () => {
    fill(root)
    root.dialog.showModal()
  }
}

function fill(root) {
  const place = root.dialog.querySelector("div")
  place.ariaLabel = root.picture.ariaLabel
  place.replaceChildren(root.picture.firstChild.cloneNode(true))
  root.dialog.querySelector("a").href = root.file
}

function drawing({ wires, gates }) {
  const columns = inColumns(wires, gates)
  const widths = columns.map(column => (column.some(([name, , angles]) => name === "Rot" && angles) ? WIDE : COLUMN))
  const width = LEFT + widths.reduce((sum, each) => sum + each, 0) + COLUMN
  const svg = element("svg", { width, height: ROW * wires, viewBox: `0 0 ${width} ${ROW * wires}` })
  for (let wire = 0; wire < wires; wire++) {
    const y = ROW * (wire + 0.5)
    svg.append(element("text", { x: 12, y, class: "wire" }, String(wire)))
    svg.append(element("line", { x1: LEFT - 8, y1: y, x2: width - 4, y2: y }))
  }
  let x = LEFT
  for (const [index, column] of columns.entries()) {
    for (const gate of column) draw(svg, gate, x + widths[index] / 2, widths[index] - 10)
    x += widths[index]
  }
  for (let wire = 0; wire < wires; wire++) measurement(svg, x + COLUMN / 2, ROW * (wire + 0.5))
  return svg
}

function inColumns(wires, gates) {
  const free = new Array(wires).fill(0)
  const columns = []
  for (const gate of gates) {
    const from = Math.min(...gate[1])
    const to = Math.max(...gate[1])
    const column = Math.max(...free.slice(from, to + 1))
    free.fill(column + 1, from, to + 1)
    ;(columns[column] ??= []).push(gate)
  }
  return columns
}

function draw(svg, [name, wires, angles], x, width) {
  const [y, target] = wires.map(wire => ROW * (wire + 0.5))
  if (name === "CNOT") {
    svg.append(element("line", { x1: x, y1: y, x2: x, y2: target + 10 * Math.sign(target - y) }))
    svg.append(element("circle", { cx: x, cy: y, r: 4, class: "control" }))
    svg.append(element("circle", { cx: x, cy: target, r: 10 }))
    svg.append(element("line", { x1: x - 10, y1: target, x2: x + 10, y2: target }))
    return
  }
  svg.append(element("rect", { x: x - width / 2, y: y - 16, width, height: 32, rx: 3 }))
  svg.append(element("text", { x, y: angles ? y - 7 : y }, name))
  if (angles) svg.append(element("text", { x, y: y + 8, class: "angle" }, angles.replaceAll("-", "−")))
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
