// Draws what each head says of the plane. A place is one byte: class · levels + how far that class is ahead.
// New regions are asked for when the runs have got further, as long as somebody sees them.

const FULL = 0.6 // opacity where a class is certain, below the points
const SECONDS_AFTER_A_FAULT = 5
const MARKS = {
  circle: [],
  diamond: polygon(4, 0, 1.25),
  square: polygon(4, 45, 1.25),
  "triangle-up": polygon(3, 0, 1.3),
  cross: [[-0.4, -1], [0.4, -1], [0.4, -0.4], [1, -0.4], [1, 0.4], [0.4, 0.4], [0.4, 1], [-0.4, 1], [-0.4, 0.4], [-1, 0.4], [-1, -0.4], [-0.4, -0.4]],
  star: polygon(5, 0, 1.5, 0.65),
  pentagon: polygon(5, 0, 1.2),
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  if (!root.places) build(root)
  if (root.data?.dataset !== data.dataset) root.known = {}
  root.data = data
  arrange(root)
  ask(root)
}

// --- what is asked ---------------------------------------------------------------------------------------------------

async function ask(root) {
  const { heads, state, address } = root.data
  const runs = heads.map(head => head.run).filter(Boolean)
  const wanted = JSON.stringify([runs, state])
  const isNews = root.news || root.asked !== wanted
  if (!runs.length || !isNews || root.isAsking || !root.isSeen || document.hidden || !root.isConnected) return
  Object.assign(root, { isAsking: true, news: false, asked: wanted })
  let rest = SECONDS_AFTER_A_FAULT
  try {
    const answer = await fetch(`${address}?runs=${encodeURIComponent(runs)}`)
    if (answer.ok) {
      const { regions, behind, again } = await answer.json()
      rest = again
      root.news ||= behind
      take(root, regions)
    }
  } catch {
    root.news = true // the server is away
  }
  setTimeout(() => {
    root.isAsking = false
    ask(root)
  }, 1000 * rest)
}

function take(root, regions) {
  for (const { name, run } of root.data.heads) {
    if (!regions[run]) continue
    const { which, cells } = regions[run]
    root.known[name] = { run, which, cells: Uint8Array.from(atob(cells), letter => letter.charCodeAt(0)) }
  }
  draw(root)
}

// --- what is shown ---------------------------------------------------------------------------------------------------

function build(root) {
  root.innerHTML =
    '<div class="headline"><h2>Decision regions</h2><div class="legend"></div></div><div class="regions"></div>' +
    '<div class="quiet"><small>' +
    "What the network of the first seed says at every place: the colour is the class, its strength how far that class " +
    "is ahead of the next. The marks are the test points.</small></div>"
  root.places = root.querySelector(".regions")
  new IntersectionObserver(entries => {
    root.isSeen = entries.at(-1).isIntersecting
    ask(root)
  }).observe(root.places)
  new ResizeObserver(() => draw(root)).observe(root.places)
  const hear = ({ type, detail }) => {
    if (!root.isConnected) {
      window.removeEventListener("lab-news", hear)
      document.removeEventListener("visibilitychange", hear)
    } else if (type === "visibilitychange") ask(root)
    else if (detail.heads && String(detail.runs) === String(root.data.live)) {
      root.news = true
      ask(root)
    }
  }
  window.addEventListener("lab-news", hear)
  document.addEventListener("visibilitychange", hear)
}

function arrange(root) {
  const { heads, classes } = root.data
  while (root.places.children.length > heads.length) root.places.lastChild.remove()
  while (root.places.children.length < heads.length) root.places.append(newPlace(root))
  for (const [index, { title }] of heads.entries()) root.places.children[index].querySelector(".head").innerHTML = title
  root.querySelector(".legend").replaceChildren(...classes.map(legendEntry))
  draw(root)
}

function newPlace(root) {
  const place = document.createElement("figure")
  place.innerHTML = '<div class="head"></div><canvas role="img"></canvas><figcaption class="quiet"></figcaption>'
  const canvas = place.querySelector("canvas")
  canvas.onpointermove = ({ offsetX, offsetY }) => {
    place.pointer = [offsetX / canvas.clientWidth, offsetY / canvas.clientHeight]
    caption(root, place)
  }
  canvas.onpointerleave = () => {
    place.pointer = null
    caption(root, place)
  }
  return place
}

function draw(root) {
  for (const [index, place] of [...root.places.children].entries()) {
    const { name, run } = root.data.heads[index]
    place.known = run ? root.known[name] : undefined
    place.isTrained = Boolean(run)
    place.isCurrent = place.known?.run === run
    const canvas = place.querySelector("canvas")
    canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio)
    canvas.ariaLabel = `Decision regions of ${name}`
    canvas.dataset.which = place.isCurrent ? place.known.which : ""
    const pen = canvas.getContext("2d")
    pen.imageSmoothingQuality = "high"
    if (place.known) pen.drawImage(picture(root.data, place.known.cells), 0, 0, canvas.width, canvas.height)
    points(root.data, pen, canvas.width)
    caption(root, place)
  }
}

function picture({ side, levels, classes }, cells) {
  const canvas = new OffscreenCanvas(side, side)
  const pixels = new ImageData(side, side)
  const colours = classes.map(({ colour }) => [1, 3, 5].map(start => parseInt(colour.slice(start, start + 2), 16)))
  for (const [index, cell] of cells.entries()) {
    const lead = (cell % levels) / (levels - 1)
    pixels.data.set([...colours[Math.floor(cell / levels)], 255 * FULL * lead], 4 * index)
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0)
  return canvas
}

function points({ points, labels, classes }, pen, width) {
  const size = Math.max(2, width / 90)
  for (const [index, [x, y]] of points.entries()) mark(pen, classes[labels[index]], x * width, y * width, size)
}

function mark(pen, { colour, mark }, x, y, size) {
  pen.beginPath()
  if (mark === "circle") pen.arc(x, y, size, 0, 2 * Math.PI)
  for (const [dx, dy] of MARKS[mark]) pen.lineTo(x + size * dx, y + size * dy)
  pen.closePath()
  pen.fillStyle = colour
  pen.fill()
  pen.strokeStyle = "white"
  pen.lineWidth = size / 4
  pen.stroke()
}

function legendEntry(each) {
  const entry = document.createElement("span")
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = 14 * devicePixelRatio
  mark(canvas.getContext("2d"), each, canvas.width / 2, canvas.height / 2, canvas.width / 3.2)
  entry.append(canvas, each.name)
  return entry
}

function caption(root, place) {
  place.querySelector("figcaption").textContent = words(root.data, place)
}

function words({ side, levels, classes }, { known, isTrained, isCurrent, pointer }) {
  if (!isTrained) return "not trained yet"
  if (!isCurrent) return known ? "still the run before" : "…"
  if (!pointer) return known.which
  const [column, row] = pointer.map(share => Math.min(side - 1, Math.max(0, Math.floor(share * side))))
  const cell = known.cells[row * side + column]
  const lead = (cell % levels) / (levels - 1)
  return `${classes[Math.floor(cell / levels)].name}, ahead by ${Math.round(100 * lead)} %`
}

function polygon(corners, turn, radius, inner) {
  const steps = inner ? 2 * corners : corners
  return Array.from({ length: steps }, (_, step) => {
    const angle = ((turn - 90) * Math.PI) / 180 + (2 * Math.PI * step) / steps
    const reach = inner && step % 2 ? inner : radius
    return [reach * Math.cos(angle), reach * Math.sin(angle)]
  })
}
